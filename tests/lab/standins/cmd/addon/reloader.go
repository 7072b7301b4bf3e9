// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	reloadInterval = 5 * time.Second
	reloadTimeout  = 30 * time.Second
)

// configReloader: samples/addons/prometheus.yaml, container prometheus-server-configmap-reload. It looks at the files of
// --watched-dir every five seconds and asks --reload-url to read them again when they changed. Its flags are named as
// in prometheus-config-reloader 0.89 (cmd/prometheus-config-reloader/main.go).
func configReloader(args []string) role {
	flags := flag.NewFlagSet("prometheus-config-reloader", flag.ContinueOnError)
	directory := flags.String("watched-dir", "", "directory whose files are watched")
	address := flags.String("listen-address", ":8080", "address of /healthz and /metrics")
	url := flags.String("reload-url", "http://127.0.0.1:9090/-/reload", "URL that makes the program read its files again")
	if err := flags.Parse(args); err != nil {
		return role{background: func() error { return err }}
	}
	return role{
		handlers: map[string]http.Handler{
			*address: pages{"/healthz": text("ok"), "/metrics": metrics("prometheus-config-reloader")}.mux(),
		},
		background: func() error {
			if *directory != "" {
				go watch(&watcher{directory: *directory, url: *url, client: http.Client{Timeout: reloadTimeout}})
			}
			return nil
		},
	}
}

// watch looks every five seconds, as long as the process lives; what is there at first is told too.
func watch(w *watcher) {
	for range time.Tick(reloadInterval) {
		if err := w.look(); err != nil {
			log.Print(err)
		}
	}
}

// watcher compares a directory with what url was last told about.
type watcher struct {
	directory, url string
	told           string
	client         http.Client
}

// look asks for a reload if the directory has changed since the last reload that went well.
func (w *watcher) look() error {
	now, err := fingerprint(w.directory)
	if err != nil || now == w.told {
		return err
	}
	answer, err := w.client.Post(w.url, "", nil)
	if err != nil {
		return fmt.Errorf("reload failed: %w", err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("reload failed: %s answered %s", w.url, answer.Status)
	}
	log.Printf("reloaded for %s", w.directory)
	w.told = now
	return nil
}

// fingerprint is a digest of the names and contents of the directory's files. A mounted ConfigMap shows each key as a
// symbolic link to a file.
func fingerprint(directory string) (string, error) {
	digest := sha256.New()
	files, err := filepath.Glob(filepath.Join(directory, "*"))
	if err != nil {
		return "", err
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(digest, "%s\x00%d\x00", name, info.Size())
		_, err = io.Copy(digest, file)
		file.Close()
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", digest.Sum(nil)), nil
}
