// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"meshlab.istio/lab/standins/internal/standin"
)

// ask sends a GET to one port of a role, as Serve would hand it on.
func ask(t *testing.T, name, port, path string) *httptest.ResponseRecorder {
	t.Helper()
	handler, listens := roles[name]().handlers[port]
	if !listens {
		t.Fatalf("%s does not listen on %s", name, port)
	}
	answer := httptest.NewRecorder()
	standin.Marked(name, handler).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

// TestPaths has the probes and scrape annotations of samples/addons, and the paths that the collection asks.
func TestPaths(t *testing.T) {
	for _, one := range []struct {
		role, port, path string
		status           int
		contains         string
	}{
		{"kiali", ":20001", "/kiali/healthz", 200, ""},
		{"kiali", ":20001", "/kiali/api/status", 200, `"Kiali state":"running"`},
		{"kiali", ":20001", "/kiali/", 200, "This is not Kiali"},
		{"kiali", ":20001", "/api/status", 404, ""},
		{"kiali", ":9090", "/metrics", 200, `meshlab_stand_in{name="kiali"} 1`},
		{"grafana", ":3000", "/api/health", 200, `"database":"ok"`},
		{"grafana", ":3000", "/", 200, "This is not Grafana"},
		{"grafana", ":3000", "/api/datasources", 500, "no such file"},
		{"loki", ":3100", "/ready", 200, "ready"},
		{"loki", ":3100", "/loki/api/v1/labels", 200, `"status":"success"`},
		{"jaeger", ":13133", "/status", 200, `"healthy":true`},
		{"jaeger", ":8888", "/metrics", 200, "meshlab_stand_in"},
		{"jaeger", ":16686", "/jaeger/api/services", 200, `"data":[]`},
		{"jaeger", ":16686", "/api/services", 404, ""},
		{"jaeger", ":9411", "/api/v2/spans", 501, "stores no spans"},
	} {
		answer := ask(t, one.role, one.port, one.path)
		if answer.Code != one.status || !strings.Contains(answer.Body.String(), one.contains) {
			t.Errorf("%s%s%s: %d %s", one.role, one.port, one.path, answer.Code, answer.Body)
		}
		if answer.Header().Get(standin.Header) != one.role {
			t.Errorf("%s%s%s does not say that it is a stand-in", one.role, one.port, one.path)
		}
		if answer.Header().Get("Content-Type") == "application/json" {
			var object struct {
				StandIn bool `json:"stand_in"`
			}
			if err := json.Unmarshal(answer.Body.Bytes(), &object); err != nil || !object.StandIn {
				t.Errorf("%s%s%s: no stand_in in %s (%v)", one.role, one.port, one.path, answer.Body, err)
			}
		}
	}
}

func TestDataSourcesAreThoseMounted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "datasources.yaml")
	content := "apiVersion: 1\ndatasources:\n- name: Prometheus\n  type: prometheus\n  url: http://prometheus:9090\n" +
		"  jsonData:\n    timeInterval: 15s\n- name: Loki\n  type: loki\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	dataSources(file)(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	var found []map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0]["url"] != "http://prometheus:9090" || found[1]["id"] != 2.0 ||
		found[1]["stand_in"] != true {
		t.Errorf("found %v", found)
	}
}

func TestSpansAreRefused(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	if err := serveGRPC(address); err != nil {
		t.Fatal(err)
	}
	client, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var headers metadata.MD
	err = client.Invoke(context.Background(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
		&emptypb.Empty{}, &emptypb.Empty{}, grpc.Header(&headers))
	if status.Code(err) != codes.Unimplemented || len(headers.Get(standin.Header)) != 1 {
		t.Errorf("%v, headers %v", err, headers)
	}
}
