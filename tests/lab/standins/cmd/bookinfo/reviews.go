// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"time"
)

// reviewsOptions are the variables that LibertyRestEndpoint.java reads.
type reviewsOptions struct {
	enableRatings        bool
	starColor            string
	ratingsURL           string
	podName, clusterName string
}

// timeout is how long reviews waits for ratings (getRatings): 10 s with black stars, else 2.5 s.
func (o reviewsOptions) timeout() time.Duration {
	if o.starColor == "black" {
		return 10 * time.Second
	}
	return 2500 * time.Millisecond
}

// rating is either stars with their colour, or why there are none.
type rating struct {
	Stars *int   `json:"stars,omitempty"`
	Color string `json:"color,omitempty"`
	Error string `json:"error,omitempty"`
}

type review struct {
	Reviewer string  `json:"reviewer"`
	Text     string  `json:"text"`
	Rating   *rating `json:"rating,omitempty"`
}

type reviewList struct {
	ID          string   `json:"id"`
	PodName     string   `json:"podname"`
	ClusterName string   `json:"clustername"`
	Reviews     []review `json:"reviews"`
}

// newReviews answers as LibertyRestEndpoint.java does.
func newReviews(options reviewsOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, []byte(`{"status": "Reviews is healthy"}`))
	})
	mux.HandleFunc("GET /reviews/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 32)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		list := reviewList{ID: fmt.Sprint(id), PodName: options.podName, ClusterName: options.clusterName,
			Reviews: []review{
				{Reviewer: "Reviewer1", Text: "A quick and merry play; the mistaken twins never stop being funny."},
				{Reviewer: "Reviewer2", Text: "Good fun for one evening, though later plays of Shakespeare go deeper."},
			}}
		if options.enableRatings {
			stars, err := options.stars(r.Context(), r.Header, id)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			for i := range list.Reviews {
				list.Reviews[i].Rating = options.rated(stars, list.Reviews[i].Reviewer)
			}
		}
		body, _ := json.Marshal(list)
		answerJSON(w, http.StatusOK, body)
	})
	return mux
}

// rated is the rating of one reviewer; -1 and none at all count as unavailable.
func (o reviewsOptions) rated(stars map[string]float64, reviewer string) *rating {
	given, found := stars[reviewer]
	if count := int(given); found && count != -1 {
		return &rating{Stars: &count, Color: o.starColor}
	}
	return &rating{Error: "Ratings service is currently unavailable"}
}

// stars asks ratings. A time-out, a refusal or a status that is not 200 leaves every reviewer without stars; an
// answer that is not what ratings promises is an error, which upstream turns into status 500.
func (o reviewsOptions) stars(ctx context.Context, incoming http.Header, id int64) (map[string]float64, error) {
	headers := http.Header{"Accept": {"application/json"}}
	copyHeaders(incoming, headers, forwarded)
	copyHeaders(incoming, headers, forwardedByReviews)
	url := fmt.Sprintf("%s/ratings/%d", o.ratingsURL, id)
	status, body, err := fetch(ctx, url, headers, o.timeout())
	if err != nil {
		log.Printf("Error: unable to contact %s/ratings got exception %v", o.ratingsURL, err)
		return nil, nil
	}
	if status != http.StatusOK {
		log.Printf("Error: unable to contact %s/ratings got status of %d", o.ratingsURL, status)
		return nil, nil
	}
	var answer struct{ Ratings map[string]json.RawMessage }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("ratings did not answer with ratings: %w", err)
	}
	stars := map[string]float64{}
	for _, reviewer := range []string{"Reviewer1", "Reviewer2"} {
		given, found := answer.Ratings[reviewer]
		if !found {
			continue
		}
		var count *float64
		if err := json.Unmarshal(given, &count); err != nil || count == nil {
			return nil, fmt.Errorf("the rating of %s is not a number: %s", reviewer, given)
		}
		stars[reviewer] = *count
	}
	return stars, nil
}
