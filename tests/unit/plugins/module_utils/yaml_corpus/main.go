// SPDX-License-Identifier: GPL-3.0-or-later

// Read texts as kubectl 1.34 reads its files: a JSON list of texts comes in, a JSON list of answers goes out.
package main

import (
	"encoding/json"
	"io"
	"log"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Error     string            `json:"error,omitempty"`
}

func read(text string) answer {
	// The size of the buffer is what kubectl gives (k8s.io/cli-runtime pkg/resource/visitor.go).
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	found := answer{Documents: []json.RawMessage{}}
	for {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if err == io.EOF {
			return found
		}
		if err != nil {
			return answer{Error: err.Error()}
		}
		if len(document) > 0 && string(document) != "null" {
			found.Documents = append(found.Documents, document)
		}
	}
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, len(texts))
	for i, text := range texts {
		answers[i] = read(text)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answers); err != nil {
		log.Fatal(err)
	}
}
