// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package standin is what all stand-ins share: they say what they are, and end when they are told to.
package standin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// Header names the stand-in on each of its answers, so that no result is taken for the real program's.
const Header = "X-Meshlab-Stand-In"

const (
	shutdownGrace = 25 * time.Second // below the 30 s after which a kubelet kills a pod
	headerTimeout = 30 * time.Second
)

// Marked adds the header to every answer of next.
func Marked(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(Header, name)
		next.ServeHTTP(w, r)
	})
}

// Serve answers on each address until SIGTERM or SIGINT, then lets running requests finish. It returns at once with
// the reason when an address cannot be listened on. Without addresses it only waits for the signal.
func Serve(name string, handlers map[string]http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	failures := make(chan error, len(handlers))
	var servers []*http.Server
	for address, handler := range handlers {
		server := &http.Server{Addr: address, Handler: Marked(name, handler), ReadHeaderTimeout: headerTimeout}
		servers = append(servers, server)
		go func() {
			if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				failures <- fmt.Errorf("%s cannot listen on %s: %w", name, address, err)
			}
		}()
	}
	log.Printf("%s (meshlab stand-in) starts", name)
	var err error
	select {
	case err = <-failures:
	case <-ctx.Done():
		log.Printf("%s ends", name)
	}
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(grace))
	}
	return err
}
