// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"sort"
	"sync"
)

// counters is request_result_total of productpage.py, by destination_app and response_code.
type counters struct {
	lock   sync.Mutex
	values map[[2]string]int
}

func newCounters() *counters { return &counters{values: map[[2]string]int{}} }

func (c *counters) count(destination string, status int) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.values[[2]string{destination, fmt.Sprint(status)}]++
}

// text is the Prometheus text format, sorted.
func (c *counters) text() []byte {
	c.lock.Lock()
	defer c.lock.Unlock()
	var lines []string
	for labels, value := range c.values {
		lines = append(lines, fmt.Sprintf("request_result_total{destination_app=%q,response_code=%q} %d.0\n",
			labels[0], labels[1], value))
	}
	sort.Strings(lines)
	out := bytes.NewBufferString("# HELP request_result_total Results of requests\n# TYPE request_result_total counter\n")
	for _, line := range lines {
		out.WriteString(line)
	}
	return out.Bytes()
}
