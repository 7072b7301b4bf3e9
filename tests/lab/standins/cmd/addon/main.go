// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Program addon stands in for the images of Istio's sample addons that the sealed lab has no build of. ROLE is the
// image's name: kiali, grafana, loki, jaeger or k8s-sidecar. It answers the probes of samples/addons (istio/istio,
// 1.31-dev) and a few paths of the real programs' APIs, knows nothing but what the manifest mounts, and takes any
// arguments without reading them.
package main

import (
	"log"
	"net/http"
	"os"

	"meshlab.istio/lab/standins/internal/standin"
)

// role is one stand-in: what it answers on each address, and what else it does while it runs.
type role struct {
	handlers   map[string]http.Handler
	background func() error
}

func main() {
	name := os.Getenv("ROLE")
	build, known := roles[name]
	if !known {
		log.Fatalf("ROLE is the name of an addon's image, not %q", name)
	}
	made := build()
	if made.background != nil {
		if err := made.background(); err != nil {
			log.Fatal(err)
		}
	}
	if err := standin.Serve(name, made.handlers); err != nil {
		log.Fatal(err)
	}
}

// roles builds each stand-in, with the ports of its manifest.
var roles = map[string]func() role{
	"kiali":       kiali,
	"grafana":     grafana,
	"loki":        loki,
	"jaeger":      jaeger,
	"k8s-sidecar": sidecar,
}

// kiali: samples/addons/kiali.yaml, server.port, server.observability.metrics.port and server.web_root.
func kiali() role {
	return role{handlers: map[string]http.Handler{
		":20001": pages{
			"/kiali":            page("Kiali"),
			"/kiali/":           page("Kiali"),
			"/kiali/healthz":    text(""),
			"/kiali/api":        kialiStatus,
			"/kiali/api/status": kialiStatus,
		}.mux(),
		":9090": pages{"/metrics": metrics("kiali")}.mux(),
	}}
}

// grafana: samples/addons/grafana.yaml.
func grafana() role {
	return role{handlers: map[string]http.Handler{
		":3000": pages{
			"/":                page("Grafana"),
			"/api/health":      object(map[string]any{"database": "ok", "version": "stand-in", "commit": ""}),
			"/api/datasources": dataSources("/etc/grafana/provisioning/datasources/datasources.yaml"),
			"/metrics":         metrics("grafana"),
		}.mux(),
	}}
}

// loki: samples/addons/loki.yaml, server.http_listen_port. It takes no logs, so that it has no labels.
func loki() role {
	return role{handlers: map[string]http.Handler{
		":3100": pages{
			"/ready":                        text("ready\n"),
			"/loki/api/v1/labels":           object(map[string]any{"status": "success", "data": []string{}}),
			"/loki/api/v1/status/buildinfo": object(map[string]any{"version": "stand-in", "revision": ""}),
			"/metrics":                      metrics("loki"),
		}.mux(),
	}}
}

// sidecar: samples/addons/loki.yaml, container loki-sc-rules, has no probe and no port; it copies nothing.
func sidecar() role { return role{} }
