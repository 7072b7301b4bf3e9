// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"log"
	"net/http"
	"strconv"
	"time"
)

const (
	backendTimeout  = 3 * time.Second
	reviewsAttempts = 2 // upstream's deliberate bug, which the fault injection task needs
	title           = "The Comedy of Errors"
	description     = `<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">The Comedy of Errors</a> is one of ` +
		`the first plays of <b>William Shakespeare</b>: two pairs of twins, one town, and no end of confusion.`
	stylesheet = "body{font-family:sans-serif;margin:2em}.text-red-500{color:#d22}.text-black-500{color:#000}" +
		".glyphicon-star{font-size:1.4em}table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3em .8em}\n"
)

var (
	//go:embed productpage.html
	productpageHTML string
	//go:embed index.html
	indexHTML string

	productpageTemplate = template.Must(template.New("productpage").Parse(productpageHTML))
	indexTemplate       = template.Must(template.New("index").Parse(indexHTML))
)

// productpage asks the three backends and shows what they say.
type productpage struct {
	backends map[string]string
	flood    int
	results  *counters
}

// newProductpage answers as productpage.py does; getenv gives it the variables that productpage.py reads.
func newProductpage(getenv func(string) string) http.Handler {
	page := &productpage{backends: map[string]string{}, results: newCounters()}
	for _, name := range []string{"details", "reviews", "ratings"} {
		page.backends[name] = backendURL(getenv, name)
	}
	page.flood, _ = strconv.Atoi(getenv("FLOOD_FACTOR"))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page.index)
	mux.HandleFunc("GET /index.html", page.index)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answerHTML(w, []byte("Product page is healthy"))
	})
	mux.HandleFunc("GET /productpage", page.front)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /logout", logout)
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, _ *http.Request) {
		body, _ := json.Marshal([]map[string]any{{"id": 0, "title": title, "descriptionHtml": description}})
		answerJSON(w, http.StatusOK, body)
	})
	mux.HandleFunc("GET /api/v1/products/{id}", page.api("details"))
	mux.HandleFunc("GET /api/v1/products/{id}/reviews", page.api("reviews"))
	mux.HandleFunc("GET /api/v1/products/{id}/ratings", page.api("ratings"))
	mux.HandleFunc("GET /static/tailwind/tailwind.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write([]byte(stylesheet)) //nolint:errcheck // the client has gone
	})
	mux.HandleFunc("GET /static/img/izzy.png", portrait)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		answerHTML(w, page.results.text()) // upstream lets Flask call it HTML
	})
	return mux
}

// answerHTML writes a page with Flask's default content type.
func answerHTML(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(body) //nolint:errcheck // the client has gone
}

func (p *productpage) render(w http.ResponseWriter, page *template.Template, data any) {
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		log.Print(err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	answerHTML(w, out.Bytes())
}

func (p *productpage) index(w http.ResponseWriter, _ *http.Request) {
	p.render(w, indexTemplate, p.backends)
}

// headers are those that a request to a backend carries on behalf of the incoming one (getForwardHeaders).
func (p *productpage) headers(r *http.Request) http.Header {
	headers := http.Header{"Accept": {"*/*"}}
	injectB3(r.Header, headers)
	if user := sessionUser(r); user != "" {
		headers.Set("end-user", user)
	}
	copyHeaders(r.Header, headers, forwarded)
	return headers
}

// ask gets one backend's answer about a product. A backend that fails gives its status (500 when it did not answer)
// and the apology as JSON; a status of 200 without JSON is an error.
func (p *productpage) ask(ctx context.Context, backend, id string, headers http.Header) (int, []byte, error) {
	url := fmt.Sprintf("%s/%s/%s", p.backends[backend], backend, id)
	attempts := 1
	if backend == "reviews" {
		attempts = reviewsAttempts
	}
	status := http.StatusInternalServerError
	for range attempts {
		answered, body, err := fetch(ctx, url, headers, backendTimeout)
		if err != nil {
			status = http.StatusInternalServerError
			continue
		}
		status = answered
		if status == http.StatusOK {
			p.results.count(backend, status)
			if !json.Valid(body) {
				return 0, nil, fmt.Errorf("%s answered with something that is not JSON", backend)
			}
			return status, body, nil
		}
	}
	p.results.count(backend, status)
	return status, fmt.Appendf(nil, `{"error": "Sorry, product %s are currently unavailable for this book."}`, backend), nil
}

// api answers with what one backend says, under the backend's own status.
func (p *productpage) api(backend string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body, err := p.ask(r.Context(), backend, r.PathValue("id"), p.headers(r))
		if err != nil {
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
			return
		}
		answerJSON(w, status, body)
	}
}

// shown is what a backend's answer gives to the page: Good, its fields, or the error text.
type shown[T any] struct {
	Good    bool
	Content T
	Error   string
}

// read takes the page's part out of an answer; fields of an unexpected kind stay empty.
func read[T any](status int, body []byte) shown[T] {
	part := shown[T]{Good: status == http.StatusOK}
	var failure struct{ Error string }
	if err := json.Unmarshal(body, &part.Content); err != nil {
		log.Print(err)
	}
	if !part.Good && json.Unmarshal(body, &failure) == nil {
		part.Error = failure.Error
	}
	return part
}

func (p *productpage) front(w http.ResponseWriter, r *http.Request) {
	headers := p.headers(r)
	detailsStatus, details, err := p.ask(r.Context(), "details", "0", headers)
	for range p.flood {
		p.ask(r.Context(), "reviews", "0", headers) //nolint:errcheck // sent to be counted, not to be read
	}
	reviewsStatus, reviews, reviewsErr := p.ask(r.Context(), "reviews", "0", headers)
	if err != nil || reviewsErr != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	p.render(w, productpageTemplate, map[string]any{
		"User":        sessionUser(r),
		"Title":       title,
		"Description": template.HTML(description),
		"Details":     read[book](detailsStatus, details),
		"Reviews":     read[reviewList](reviewsStatus, reviews),
	})
}

// Filled and Empty let the page repeat one star after the other; nothing holds a reviewer to five.
func (r *rating) Filled() []struct{} { return make([]struct{}, max(*r.Stars, 0)) }
func (r *rating) Empty() []struct{}  { return make([]struct{}, max(5-*r.Stars, 0)) }

// portrait is a plain square, in place of upstream's picture of a reader.
func portrait(w http.ResponseWriter, _ *http.Request) {
	picture := image.NewPaletted(image.Rect(0, 0, 16, 16), color.Palette{color.RGBA{R: 0x46, G: 0x6b, B: 0xb0, A: 0xff}})
	w.Header().Set("Content-Type", "image/png")
	png.Encode(w, picture) //nolint:errcheck // the client has gone
}
