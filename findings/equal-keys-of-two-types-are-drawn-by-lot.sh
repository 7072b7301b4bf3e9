#!/usr/bin/env bash
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# sigs.k8s.io/yaml v1.6.0 (behind kubectl, helm and istioctl): one text, two results, by chance.
#
# In YAML the keys 1 and "1" are two keys: a number and a text. JSON has text keys only, so the library turns both into
# "1". Which of the two values stays depends on the order in which Go walks a map, and that order is random. Strict
# reading (UnmarshalStrict) does not refuse it either. A ConfigMap with both keys is another one each time.
#
# Seen on 2026-11-29, Go 1.26, 200 conversions in one process:
#   plain:  both values seen
#   strict: both values seen
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

	"sigs.k8s.io/yaml"
)

func seen(read func([]byte, interface{}) error) string {
	values := map[string]bool{}
	for try := 0; try < 200; try++ {
		found := map[string]string{}
		if err := read([]byte("1: number\n\"1\": text\n"), &found); err != nil {
			return "error: " + err.Error()
		}
		values[found["1"]] = true
	}
	if values["number"] && values["text"] {
		return "both values seen"
	}
	return fmt.Sprint(values)
}

func main() {
	fmt.Println("plain: ", seen(func(text []byte, into interface{}) error { return yaml.Unmarshal(text, into) }))
	fmt.Println("strict:", seen(func(text []byte, into interface{}) error { return yaml.UnmarshalStrict(text, into) }))
}
GO
go mod init finding >/dev/null 2>&1
go get sigs.k8s.io/yaml@v1.6.0 >/dev/null 2>&1
seen=$(go run .)
echo "$seen"
[ "$seen" = "$(printf 'plain:  both values seen\nstrict: both values seen')" ]
