// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"meshlab.istio/lab/standins/internal/standin"
)

// jaeger has the ports of samples/addons/jaeger.yaml. The query API is under its base_path only, as in Jaeger's
// cmd/query (PathPrefix of base_path). Collectors refuse every span, so that none seems stored: 501 over HTTP,
// Unimplemented over gRPC.
func jaeger() role {
	listOf := func(what []string) http.HandlerFunc {
		return object(map[string]any{"data": what, "total": len(what), "limit": 0, "offset": 0, "errors": nil})
	}
	collector := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the stand-in stores no spans", http.StatusNotImplemented)
	})
	return role{
		handlers: map[string]http.Handler{
			":16686": pages{
				"/jaeger":              page("Jaeger"),
				"/jaeger/":             page("Jaeger"),
				"/jaeger/search":       page("Jaeger"),
				"/jaeger/api/services": listOf([]string{}),
				"/jaeger/api/traces":   listOf([]string{}),
			}.mux(),
			":13133": pages{"/status": object(map[string]any{"healthy": true, "status": "StatusOK"})}.mux(),
			":8888":  pages{"/metrics": metrics("jaeger")}.mux(),
			":9411":  collector,
			":4318":  collector,
			":14268": collector,
		},
		background: func() error { return serveGRPC(":4317", ":14250", ":16685") },
	}
}

// serveGRPC listens on each address and answers every call with Unimplemented, until the process ends.
func serveGRPC(addresses ...string) error {
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		stream.SetHeader(metadata.Pairs(strings.ToLower(standin.Header), "jaeger")) //nolint:errcheck // the call fails anyway
		return status.Error(codes.Unimplemented, "the stand-in stores no spans")
	}))
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("jaeger cannot listen on %s: %w", address, err)
		}
		go func() { log.Print(server.Serve(listener)) }()
	}
	return nil
}
