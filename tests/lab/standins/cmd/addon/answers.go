// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"

	"go.yaml.in/yaml/v3"
)

// pages are what one port answers, path by path; every other path is not found.
type pages map[string]http.HandlerFunc

func (p pages) mux() http.Handler {
	mux := http.NewServeMux()
	for path, handler := range p {
		if path[len(path)-1] == '/' {
			path += "{$}"
		}
		mux.HandleFunc("GET "+path, handler)
	}
	return mux
}

// text answers with plain text.
func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, body)
	}
}

// page is what a person sees who opens the dashboard.
func page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><title>%[1]s (stand-in)</title><p>This is not %[1]s: the sealed lab runs a stand-in "+
			"that answers probes and little else.</p>\n", html.EscapeString(name))
	}
}

// object answers with a JSON object that says that it comes from a stand-in.
func object(fields map[string]any) http.HandlerFunc {
	fields["stand_in"] = true
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // only literals come here
	}
	return func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, body) }
}

func answerJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(body) //nolint:errcheck // the client has gone
}

// metrics lets Prometheus find the target up and see what it is.
func metrics(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprintf(w, "# HELP meshlab_stand_in A stand-in of the lab answers in place of the named program.\n"+
			"# TYPE meshlab_stand_in gauge\nmeshlab_stand_in{name=%q} 1\n", name)
	}
}

// kialiStatus has the keys of Kiali 2's StatusInfo (kiali/kiali: models/status.go, frontend/src/types/StatusState.ts).
var kialiStatus = object(map[string]any{
	"status": map[string]string{
		"Kiali state": "running", "Kiali version": "stand-in", "Kiali commit hash": "", "Kiali container version": "stand-in",
	},
	"externalServices": []string{},
	"warningMessages":  []string{"this is a stand-in of the test lab, not Kiali"},
})

// dataSources answers with what the mounted provisioning file holds, as an array (Grafana's API has no object here).
func dataSources(file string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := os.ReadFile(file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		var provisioned struct{ Datasources []map[string]any }
		if err := yaml.Unmarshal(content, &provisioned); err != nil {
			http.Error(w, fmt.Sprintf("%s: %v", file, err), http.StatusInternalServerError)
			return
		}
		found := []map[string]any{}
		for number, source := range provisioned.Datasources {
			source["id"] = number + 1
			source["stand_in"] = true
			found = append(found, source)
		}
		body, err := json.Marshal(found)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answerJSON(w, body)
	}
}
