#!/usr/bin/env bash
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# k8s.io/apimachinery v0.34.4 (the reader of manifests in kubectl 1.34): two YAML documents that `...` separates are one.
#
# YAML 1.2 ends a document with `...`, and a bare document may follow (specification 1.2.2, section 9.2). The decoder
# splits its input at lines of `---` alone and hands each part to a parser that reads one document. So a second object
# behind `...` is neither read nor refused: no error, no warning. PyYAML 6.0.3, which reads YAML 1.1, refuses the text.
#
# Seen on 2026-11-29, Go 1.26:
#   with ---:  first second
#   with ...:  first
# The script fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
export GOFLAGS=-mod=mod GOPATH="$folder/go"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

func names(text string) string {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	found := []string{}
	for {
		object := struct{ Name string }{}
		err := decoder.Decode(&object)
		if err == io.EOF {
			return strings.Join(found, " ")
		}
		if err != nil {
			return "error: " + err.Error()
		}
		found = append(found, object.Name)
	}
}

func main() {
	fmt.Println("with ---: ", names("name: first\n---\nname: second\n"))
	fmt.Println("with ...: ", names("name: first\n...\nname: second\n"))
}
GO
go mod init finding >/dev/null 2>&1
go get k8s.io/apimachinery@v0.34.4 >/dev/null 2>&1
seen=$(go run .)
echo "$seen"
[ "$seen" = "$(printf 'with ---:  first second\nwith ...:  first')" ]
