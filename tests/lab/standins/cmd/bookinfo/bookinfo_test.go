// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What needs a clock or a chance that a test can set; the rest is in tests/contract/test_bookinfo_contract.py.

func send(handler http.Handler, method, path, body string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(method, path, strings.NewReader(body)))
	return answer
}

func TestTurnsOfRatings(t *testing.T) {
	started := time.Now()
	for _, one := range []struct {
		version         string
		after           time.Duration
		ratings, health int
	}{
		{"v1", 61 * time.Second, 200, 200},
		{"v-unavailable", 59 * time.Second, 200, 200},
		{"v-unavailable", 61 * time.Second, 503, 200},
		{"v-unavailable", 121 * time.Second, 200, 200},
		{"v-unhealthy", 14 * time.Minute, 200, 200},
		{"v-unhealthy", 16 * time.Minute, 503, 500},
		{"v-unhealthy", 31 * time.Minute, 200, 200},
	} {
		handler := newRatings(ratingsOptions{version: one.version, started: started,
			now: func() time.Time { return started.Add(one.after) }})
		if got := send(handler, "GET", "/ratings/0", "").Code; got != one.ratings {
			t.Errorf("%s after %s: ratings %d, not %d", one.version, one.after, got, one.ratings)
		}
		if got := send(handler, "GET", "/health", "").Code; got != one.health {
			t.Errorf("%s after %s: health %d, not %d", one.version, one.after, got, one.health)
		}
	}
}

func TestChanceOfFaultyRatings(t *testing.T) {
	for chance, want := range map[float64]int{0.5: 503, 0.51: 200} {
		handler := newRatings(ratingsOptions{version: "v-faulty", random: func() float64 { return chance }})
		if got := send(handler, "GET", "/ratings/0", "").Code; got != want {
			t.Errorf("at %v: %d, not %d", chance, got, want)
		}
	}
}

func TestRatingsWithoutTheirDatabase(t *testing.T) {
	for database, want := range map[string]int{"": 500, "mysql": 200} {
		handler := newRatings(ratingsOptions{version: "v2", databaseType: database})
		answer := send(handler, "GET", "/ratings/0", "")
		if answer.Code != want || answer.Body.String() != `{"error":"could not connect to ratings database"}` {
			t.Errorf("%q: %d %s", database, answer.Code, answer.Body)
		}
		if got := send(handler, "POST", "/ratings/0", "{}").Code; got != http.StatusNotImplemented {
			t.Errorf("%q: POST gives %d", database, got)
		}
	}
}

func TestFlood(t *testing.T) {
	asked := map[string]int{}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		answerJSON(w, http.StatusOK, []byte("{}"))
	}))
	defer backend.Close()
	host, port, _ := strings.Cut(strings.TrimPrefix(backend.URL, "http://"), ":")
	variables := map[string]string{"FLOOD_FACTOR": "3", "DETAILS_HOSTNAME": host, "DETAILS_SERVICE_PORT": port,
		"REVIEWS_HOSTNAME": host, "REVIEWS_SERVICE_PORT": port}
	page := newProductpage(func(name string) string { return variables[name] })
	if got := send(page, "GET", "/productpage", "").Code; got != http.StatusOK {
		t.Errorf("the page gives %d", got)
	}
	if asked["/reviews/0"] != 4 || asked["/details/0"] != 1 {
		t.Errorf("asked %v", asked)
	}
}

func TestBackendURL(t *testing.T) {
	for want, variables := range map[string]map[string]string{
		"http://ratings:9080":         {},
		"http://ratings.example:9080": {"SERVICES_DOMAIN": "example"},
		"http://other:1":              {"RATINGS_HOSTNAME": "other", "RATINGS_SERVICE_PORT": "1"},
	} {
		if got := backendURL(func(name string) string { return variables[name] }, "ratings"); got != want {
			t.Errorf("%v: %s, not %s", variables, got, want)
		}
	}
}

func TestForgedSessionIsNobody(t *testing.T) {
	request := httptest.NewRequest("GET", "/", nil)
	request.AddCookie(&http.Cookie{Name: sessionCookie, Value: "?"})
	if user := sessionUser(request); user != "" {
		t.Errorf("signed in as %q", user)
	}
}
