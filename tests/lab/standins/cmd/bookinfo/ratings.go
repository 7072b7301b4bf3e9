// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	delayOfDelayed    = 7 * time.Second
	turnOfUnavailable = time.Minute
	turnOfUnhealthy   = 15 * time.Minute
)

// leadingNumber is what JavaScript's parseInt reads.
var leadingNumber = regexp.MustCompile(`^\s*[+-]?\d+`)

// ratingsOptions: what random and now return decides when v-faulty, v-delayed, v-unavailable and v-unhealthy fail.
type ratingsOptions struct {
	version, databaseType string
	started               time.Time
	now                   func() time.Time
	random                func() float64
}

// ratings holds what was posted, for as long as the process lives.
type ratings struct {
	ratingsOptions
	lock   sync.Mutex
	posted map[int]json.RawMessage
}

// newRatings answers as ratings.js does. v2 behaves as upstream's while its database cannot be reached.
func newRatings(options ratingsOptions) http.Handler {
	service := &ratings{ratingsOptions: options, posted: map[int]json.RawMessage{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", service.health)
	mux.HandleFunc("/ratings", http.NotFound) // else the multiplexer redirects it to /ratings/
	mux.HandleFunc("GET /ratings/", service.get)
	mux.HandleFunc("POST /ratings/", service.post)
	return mux
}

// inBadTurn is true in every second turn of the given length since the start.
func (s *ratings) inBadTurn(length time.Duration) bool {
	return s.now().Sub(s.started)/length%2 == 1
}

func (s *ratings) health(w http.ResponseWriter, _ *http.Request) {
	if s.version == "v-unhealthy" && s.inBadTurn(turnOfUnhealthy) {
		answerJSON(w, http.StatusInternalServerError, []byte(`{"status":"Ratings is not healthy"}`))
		return
	}
	answerJSON(w, http.StatusOK, []byte(`{"status":"Ratings is healthy"}`))
}

// number reads the product's number from the last part of the path; it has answered when ok is false.
func number(w http.ResponseWriter, r *http.Request) (id int, ok bool) {
	last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	id, err := strconv.Atoi(leadingNumber.FindString(last))
	if err != nil {
		answerJSON(w, http.StatusBadRequest, []byte(`{"error":"please provide numeric product ID"}`))
	}
	return id, err == nil
}

func (s *ratings) get(w http.ResponseWriter, r *http.Request) {
	id, ok := number(w, r)
	if !ok {
		return
	}
	unavailable := false
	switch s.version {
	case "v2":
		status := http.StatusInternalServerError
		if s.databaseType == "mysql" {
			status = http.StatusOK // upstream forgets to set one
		}
		answerJSON(w, status, []byte(`{"error":"could not connect to ratings database"}`))
		return
	case "v-faulty":
		unavailable = s.random() <= 0.5
	case "v-delayed":
		if s.random() <= 0.5 {
			time.Sleep(delayOfDelayed)
		}
	case "v-unavailable":
		unavailable = s.inBadTurn(turnOfUnavailable)
	case "v-unhealthy":
		unavailable = s.inBadTurn(turnOfUnhealthy)
	}
	if unavailable {
		answerJSON(w, http.StatusServiceUnavailable, []byte(`{"error":"Service unavailable"}`))
		return
	}
	s.answer(w, id)
}

func (s *ratings) post(w http.ResponseWriter, r *http.Request) {
	id, ok := number(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(body) {
		answerJSON(w, http.StatusBadRequest, []byte(`{"error":"please provide valid ratings JSON"}`))
		return
	}
	if s.version == "v2" {
		answerJSON(w, http.StatusNotImplemented, []byte(`{"error":"Post not implemented for database backed ratings"}`))
		return
	}
	s.lock.Lock()
	s.posted[id] = body
	s.lock.Unlock()
	s.answer(w, id)
}

// answer writes the ratings of one product: what was posted, or Reviewer1's five and Reviewer2's four stars.
func (s *ratings) answer(w http.ResponseWriter, id int) {
	s.lock.Lock()
	stars, found := s.posted[id]
	s.lock.Unlock()
	if !found {
		stars = json.RawMessage(`{"Reviewer1":5,"Reviewer2":4}`)
	}
	answerJSON(w, http.StatusOK, fmt.Appendf(nil, `{"id":%d,"ratings":%s}`, id, stars))
}
