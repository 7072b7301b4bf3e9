// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"path"
	"strconv"
)

// book is the answer of details.rb, get_book_details.
type book struct {
	ID        int    `json:"id"`
	Author    string `json:"author"`
	Year      int    `json:"year"`
	Type      string `json:"type"`
	Pages     int    `json:"pages"`
	Publisher string `json:"publisher"`
	Language  string `json:"language"`
	ISBN10    string `json:"ISBN-10"`
	ISBN13    string `json:"ISBN-13"`
}

// newDetails answers as details.rb does: every book is the same one under the number asked for. The external book
// service of v2 is not asked.
func newDetails() http.Handler {
	mux := http.NewServeMux()
	health := func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, []byte(`{"status":"Details is healthy"}`))
	}
	mux.HandleFunc("/health", health)
	details := func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(path.Base(r.URL.Path))
		if err != nil {
			answerJSON(w, http.StatusBadRequest, []byte(`{"error":"please provide numeric product id"}`))
			return
		}
		body, _ := json.Marshal(book{id, "William Shakespeare", 1595, "paperback", 200, "PublisherA", "English",
			"1234567890", "123-1234567890"})
		answerJSON(w, http.StatusOK, body)
	}
	mux.HandleFunc("/details", details)
	mux.HandleFunc("/details/", details)
	return mux
}
