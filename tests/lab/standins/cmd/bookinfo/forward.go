// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"net/http"
	"regexp"
	"strings"
)

// forwarded are the headers that productpage and reviews hand on (incoming_headers in productpage.py,
// headers_to_propagate in LibertyRestEndpoint.java).
var forwarded = []string{
	"x-request-id", "x-ot-span-context", "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority",
	"traceparent", "tracestate", "x-cloud-trace-context", "grpc-trace-bin", "sw8", "user-agent", "cookie",
	"authorization", "jwt",
}

// forwardedByReviews are those that reviews hands on as they come, while productpage makes them anew: B3 from what
// its propagator understood, end-user from its session.
var forwardedByReviews = []string{
	"x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "end-user",
}

var (
	traceID = regexp.MustCompile(`^([\da-fA-F]{16}|[\da-fA-F]{32})$`)
	spanID  = regexp.MustCompile(`^[\da-fA-F]{16}$`)
)

// copyHeaders sets on the outgoing request those of the named headers that came with the incoming one.
func copyHeaders(from http.Header, to http.Header, names []string) {
	for _, name := range names {
		if values := from.Values(name); len(values) > 0 {
			to.Set(name, strings.Join(values, ","))
		}
	}
}

// injectB3 does what productpage's propagator (opentelemetry-propagator-b3 1.32.1, B3MultiFormat) does: it reads the
// single header b3, else the X-B3 headers, and writes trace id (32 digits), span id and the sampling decision. Parent
// span and flags are not written; without a valid trace nothing is.
func injectB3(from http.Header, to http.Header) {
	trace, span, sampled, flags := from.Get("x-b3-traceid"), from.Get("x-b3-spanid"), from.Get("x-b3-sampled"),
		from.Get("x-b3-flags")
	if single := from.Get("b3"); single != "" {
		trace, span, sampled, flags = "", "", "1", ""
		switch fields := strings.Split(single, "-"); len(fields) {
		case 2:
			trace, span = fields[0], fields[1]
		case 3, 4:
			trace, span, sampled = fields[0], fields[1], fields[2]
		}
	}
	if !traceID.MatchString(trace) || !spanID.MatchString(span) {
		return
	}
	decision := "0"
	if sampled == "1" || sampled == "d" || strings.EqualFold(sampled, "true") || flags == "1" {
		decision = "1"
	}
	to.Set("x-b3-traceid", strings.Repeat("0", 32-len(trace))+strings.ToLower(trace))
	to.Set("x-b3-spanid", strings.ToLower(span))
	to.Set("x-b3-sampled", decision)
}

// backendURL is where a backend is reached: NAME_HOSTNAME, SERVICES_DOMAIN and NAME_SERVICE_PORT as upstream has them.
func backendURL(getenv func(string) string, name string) string {
	prefix := strings.ToUpper(name)
	host, port, domain := getenv(prefix+"_HOSTNAME"), getenv(prefix+"_SERVICE_PORT"), getenv("SERVICES_DOMAIN")
	if host == "" {
		host = name
	}
	if domain != "" {
		domain = "." + domain
	}
	if port == "" {
		port = "9080"
	}
	return "http://" + host + domain + ":" + port
}
