// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Program bookinfo stands in for the images of Istio's Bookinfo sample: one program, whose role is SERVICE
// (productpage, details, reviews, ratings) and whose version is VERSION. The variables and the port argument that
// upstream's programs take are taken too. Checked against samples/bookinfo/src of istio/istio (1.31-dev).
package main

import (
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"meshlab.istio/lab/standins/internal/standin"
)

// reviewsVersions is what docker-bake.hcl builds into the three images of reviews.
var reviewsVersions = map[string]struct{ enableRatings, starColor string }{
	"v1": {"false", "black"},
	"v2": {"true", "black"},
	"v3": {"true", "red"},
}

func main() {
	service, port := os.Getenv("SERVICE"), "9080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	version := environment("SERVICE_VERSION", environment("VERSION", "v1"))
	var handler http.Handler
	switch service {
	case "productpage":
		handler = newProductpage(os.Getenv)
	case "details":
		handler = newDetails()
	case "reviews":
		known := reviewsVersions[version]
		handler = newReviews(reviewsOptions{
			enableRatings: strings.EqualFold(environment("ENABLE_RATINGS", known.enableRatings), "true"),
			starColor:     environment("STAR_COLOR", known.starColor),
			ratingsURL:    backendURL(os.Getenv, "ratings"),
			podName:       environment("HOSTNAME", "null"),
			clusterName:   environment("CLUSTER_NAME", "null"),
		})
	case "ratings":
		handler = newRatings(ratingsOptions{
			version: version, databaseType: os.Getenv("DB_TYPE"), started: time.Now(), now: time.Now, random: rand.Float64,
		})
	default:
		log.Fatalf("SERVICE is productpage, details, reviews or ratings, not %q", service)
	}
	if err := standin.Serve("bookinfo-"+service+"-"+version, map[string]http.Handler{":" + port: handler}); err != nil {
		log.Fatal(err)
	}
}

// environment returns a variable's value, or otherwise when it is unset or empty.
func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
