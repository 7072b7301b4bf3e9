# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Bookinfo's services do, as far as the lab, its scenarios and its reports rely on it.

The upstream file that each group was checked against is named beside it, relative to samples/bookinfo/src of
istio/istio (1.31-dev). conftest.py says what the tests can be run against.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import Answer, Backend, Launcher, ask

Started = Callable[..., tuple[str, dict[str, Backend]]]  # a productpage's URL, and the backends it asks
SORRY = "Sorry, product {} are currently unavailable for this book."
NO_RATING = "Ratings service is currently unavailable"
TRACE = "80f198ee56343ba864fe8b2a57d3eff7"
SPAN = "e457b5a2e4d86bd1"
# forwarded as they come by productpage and by reviews alike
FORWARDED = {
    "x-request-id": "34eeb41d-d267-9e49-8b84-dde403fc5b72",
    "x-ot-span-context": "a;b",
    "x-datadog-trace-id": "1",
    "x-datadog-parent-id": "2",
    "x-datadog-sampling-priority": "3",
    "traceparent": f"00-{TRACE}-{SPAN}-01",
    "tracestate": "a=b",
    "x-cloud-trace-context": "c/1;o=1",
    "grpc-trace-bin": "AAAB",
    "sw8": "40c7fdf104e3de67",
    "user-agent": "contract/1",
    "cookie": "a=b",
    "authorization": "Bearer x.y.z",
    "jwt": "x.y.z",
}
B3 = {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"}
REVIEWS = {
    "id": "0",
    "podname": "reviews-v9-x",
    "clustername": "null",
    "reviews": [{"reviewer": "Reviewer1", "text": "<i>good</i>", "rating": {"stars": 3, "color": "red"}}],
}


def stars(page: Answer) -> int:
    return page.text.count("glyphicon glyphicon-star")


class TestProductpage:
    """productpage/productpage.py and productpage/templates."""

    def test_page(self, productpage_url: str) -> None:
        page = ask(productpage_url, "/productpage")
        assert page.status == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "<title>Simple Bookstore App</title>" in page.text
        assert "The Comedy of Errors" in page.text
        for phrase in ("Book Details", "ISBN-10", "1234567890", "PublisherA", "Book Reviews"):
            assert phrase in page.text
        assert len(re.findall(r"Reviews served by:\s+\S*reviews-v[123]-\S+", page.text)) == 2
        assert "Error fetching" not in page.text

    def test_index(self, productpage_url: str) -> None:
        for path in ("/", "/index.html"):
            page = ask(productpage_url, path)
            assert page.status == 200
            assert "/productpage?u=normal" in page.text
            assert "/productpage?u=test" in page.text

    def test_health(self, productpage_url: str) -> None:
        answer = ask(productpage_url, "/health")
        assert (answer.status, answer.text) == (200, "Product page is healthy")

    def test_api(self, productpage_url: str) -> None:
        products = ask(productpage_url, "/api/v1/products")
        assert products.headers["content-type"] == "application/json"
        first = json.loads(products.text)[0]
        assert (first["id"], first["title"]) == (0, "The Comedy of Errors")
        assert "descriptionHtml" in first
        assert json.loads(ask(productpage_url, "/api/v1/products/0").text)["author"] == "William Shakespeare"
        reviews = json.loads(ask(productpage_url, "/api/v1/products/0/reviews").text)
        assert [one["reviewer"] for one in reviews["reviews"]] == ["Reviewer1", "Reviewer2"]
        ratings = json.loads(ask(productpage_url, "/api/v1/products/0/ratings").text)
        assert set(ratings["ratings"]) == {"Reviewer1", "Reviewer2"}

    def test_status_of_a_backend_goes_through(self, productpage_url: str) -> None:
        answer = ask(productpage_url, "/api/v1/products/abc")
        assert (answer.status, json.loads(answer.text)) == (400, {"error": SORRY.format("details")})
        assert ask(productpage_url, "/api/v1/products/abc/reviews").status == 404

    def test_login_and_logout(self, productpage_url: str) -> None:
        referer = f"{productpage_url}/productpage?u=test"
        form = {"Content-Type": "application/x-www-form-urlencoded", "Referer": referer}
        answer = ask(productpage_url, "/login", "POST", form, "username=jas%3Con&passwd=")
        assert (answer.status, answer.headers["location"]) == (302, referer)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("session=")
        assert "httponly" in cookie.lower()
        assert "path=/" in cookie.lower()
        session = {"Cookie": cookie.split(";")[0]}
        page = ask(productpage_url, "/productpage", headers=session)
        assert "jas&lt;on" in page.text
        assert "Sign out" in page.text
        answer = ask(productpage_url, "/logout", headers={**session, "Referer": referer})
        assert (answer.status, answer.headers["location"]) == (302, referer)
        assert re.match(r"session=;.*max-age=0", answer.headers["set-cookie"], re.IGNORECASE)
        assert "Sign out" not in ask(productpage_url, "/productpage").text

    def test_static(self, productpage_url: str) -> None:
        assert ask(productpage_url, "/static/tailwind/tailwind.css").headers["content-type"].startswith("text/css")

    def test_what_is_not_there(self, productpage_url: str) -> None:
        assert ask(productpage_url, "/nowhere").status == 404
        assert ask(productpage_url, "/login").status == 405
        assert ask(productpage_url, "/api/v1/products", "POST").status == 405

    def test_metrics(self, productpage_url: str) -> None:
        sample = re.compile(r'^request_result_total\{destination_app="details",response_code="200"\} \d+\.0$', re.M)
        for _ in range(100):  # upstream's eight workers count for themselves
            ask(productpage_url, "/api/v1/products/0")
            answer = ask(productpage_url, "/metrics")
            if sample.search(answer.text):
                break
        else:
            pytest.fail(f"never counted: {answer.text}")
        assert "# TYPE request_result_total counter" in answer.text
        assert answer.headers["content-type"].startswith("text/html")


class TestProductpageAndItsBackends:
    """productpage/productpage.py: getForwardHeaders, getProductDetails, getProductReviews, getProductRatings."""

    @pytest.fixture
    def set_of(self, launch: Launcher, backend: Callable[..., Backend]) -> Started:
        def start(**options: dict[str, object]) -> tuple[str, dict[str, Backend]]:
            made = {name: backend(**options.get(name, {})) for name in ("details", "reviews", "ratings")}
            return launch("productpage", **{name: one.url for name, one in made.items()}).url, made

        return start

    @pytest.mark.parametrize("name", ["details", "reviews", "ratings"])
    def test_headers(self, set_of: Started, name: str) -> None:
        url, made = set_of()
        path = "/api/v1/products/7" + {"details": ""}.get(name, f"/{name}")
        extra = {"x-b3-parentspanid": SPAN, "x-b3-flags": "0", "x-other": "1", "end-user": "forged"}
        assert ask(url, path, headers={**FORWARDED, **B3, **extra}).status == 200
        asked, headers = made[name].requests[0]
        assert asked == f"/{name}/7"
        assert {key: headers.get(key) for key in {**FORWARDED, **B3}} == {**FORWARDED, **B3}
        assert not headers.keys() & extra.keys()

    @pytest.mark.parametrize(
        ("incoming", "outgoing"),
        [
            ({}, {}),
            ({"x-b3-traceid": TRACE}, {}),
            ({"x-b3-traceid": "xyz", "x-b3-spanid": SPAN}, {}),
            (
                {"x-b3-traceid": TRACE[:16].upper(), "x-b3-spanid": SPAN},
                {"x-b3-traceid": "0" * 16 + TRACE[:16], "x-b3-spanid": SPAN, "x-b3-sampled": "0"},
            ),
            ({**B3, "x-b3-sampled": "0", "x-b3-flags": "1"}, B3),
            ({**B3, "x-b3-sampled": "true"}, B3),
            ({"b3": f"{TRACE}-{SPAN}"}, B3),
            ({"b3": f"{TRACE}-{SPAN}-0-{SPAN}"}, {**B3, "x-b3-sampled": "0"}),
            ({"b3": "0"}, {}),
        ],
    )
    def test_b3(
        self,
        set_of: Started,
        incoming: dict[str, str],
        outgoing: dict[str, str],
    ) -> None:
        url, made = set_of()
        ask(url, "/api/v1/products/0", headers=incoming)
        headers = made["details"].requests[0][1]
        assert {key: value for key, value in headers.items() if "b3" in key} == outgoing

    def test_end_user(self, set_of: Started) -> None:
        url, made = set_of()
        form = {"Content-Type": "application/x-www-form-urlencoded", "Referer": url}
        cookie = ask(url, "/login", "POST", form, "username=jason").headers["set-cookie"].split(";")[0]
        ask(url, "/productpage", headers={"Cookie": cookie})
        for name in ("details", "reviews"):
            assert made[name].requests[0][1]["end-user"] == "jason"
            assert made[name].requests[0][1]["cookie"] == cookie
        assert not made["ratings"].requests

    def test_every_request_has_a_connection_of_its_own(self, set_of: Started) -> None:
        url, made = set_of()
        for _ in range(3):
            ask(url, "/api/v1/products/0")
        assert len(set(made["details"].clients)) == 3

    def test_page_of_backends_that_fail(self, set_of: Started) -> None:
        url, made = set_of(details={"status": 503}, reviews={"status": 404})
        page = ask(url, "/productpage")
        assert page.status == 200
        assert "Simple Bookstore App" in page.text
        for name in ("details", "reviews"):
            assert f"Error fetching product {name}" in page.text
            assert SORRY.format(name) in page.text
        assert len(made["details"].requests) == 1
        assert len(made["reviews"].requests) == 2, "reviews is tried twice, the bug that fault injection shows"
        assert ask(url, "/api/v1/products/0").status == 503
        assert ask(url, "/api/v1/products/0/reviews").status == 404

    def test_backends_that_are_not_there(self, launch: Launcher) -> None:
        nowhere = "http://127.0.0.1:9"
        url = launch("productpage", details=nowhere, reviews=nowhere, ratings=nowhere).url
        for name, path in (("details", ""), ("reviews", "/reviews"), ("ratings", "/ratings")):
            answer = ask(url, f"/api/v1/products/0{path}")
            assert (answer.status, json.loads(answer.text)) == (500, {"error": SORRY.format(name)})
        assert ask(url, "/productpage").status == 200

    def test_page_of_stars(self, set_of: Started) -> None:
        url, _ = set_of(reviews={"body": json.dumps(REVIEWS)})
        page = ask(url, "/productpage")
        assert (stars(page), "text-red-500" in page.text) == (3, True)
        assert "&lt;i&gt;good&lt;/i&gt;" in page.text
        assert re.search(r"Reviews served by:\s+reviews-v9-x\s", page.text)
        assert "on cluster" not in page.text

    def test_page_of_a_rating_that_failed(self, set_of: Started) -> None:
        review = {**REVIEWS["reviews"][0], "rating": {"error": NO_RATING}}  # type: ignore[dict-item]
        body = json.dumps({**REVIEWS, "clustername": "east", "reviews": [review]})
        page = ask(set_of(reviews={"body": body})[0], "/productpage")
        assert stars(page) == 0
        assert NO_RATING in page.text
        assert re.search(r"on cluster\s*<div>east</div>", page.text)

    def test_backend_without_json(self, set_of: Started) -> None:
        url, _ = set_of(details={"body": "<html>"})
        assert ask(url, "/api/v1/products/0").status == 500
        assert ask(url, "/productpage").status == 500


class TestTimeouts:
    """productpage.py: 3 s each, reviews twice; LibertyRestEndpoint.java, getRatings: 10 s black, 2.5 s red."""

    CASES = (
        ("productpage", "v1", "/api/v1/products/0", 500, 3.0),
        ("productpage", "v1", "/api/v1/products/0/ratings", 500, 3.0),
        ("productpage", "v1", "/api/v1/products/0/reviews", 500, 6.0),
        ("reviews", "v2", "/reviews/0", 200, 10.0),
        ("reviews", "v3", "/reviews/0", 200, 2.5),
    )

    def test_waits(self, launch: Launcher, backend: Callable[..., Backend]) -> None:
        """All at once, because the longest wait is ten seconds."""
        slow = backend(delay=20).url
        urls = {
            (role, version): launch(role, version, details=slow, reviews=slow, ratings=slow).url
            for role, version in {case[:2] for case in self.CASES}
        }

        def measure(case: tuple[str, str, str, int, float]) -> tuple[Answer, float]:
            started = time.monotonic()
            return ask(urls[case[:2]], case[2]), time.monotonic() - started

        with ThreadPoolExecutor(len(self.CASES)) as pool:
            for case, (answer, seconds) in zip(self.CASES, pool.map(measure, self.CASES), strict=True):
                assert answer.status == case[3], case
                assert case[4] - 0.1 <= seconds < case[4] + 0.9, case
                if case[0] == "reviews":
                    assert [one["rating"] for one in json.loads(answer.text)["reviews"]] == [{"error": NO_RATING}] * 2


class TestDetails:
    """details/details.rb."""

    def test_book(self, details_url: str) -> None:
        answer = ask(details_url, "/details/12")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert json.loads(answer.text) == {
            "id": 12,
            "author": "William Shakespeare",
            "year": 1595,
            "type": "paperback",
            "pages": 200,
            "publisher": "PublisherA",
            "language": "English",
            "ISBN-10": "1234567890",
            "ISBN-13": "123-1234567890",
        }

    @pytest.mark.parametrize("path", ["/details/abc", "/details/", "/details"])
    def test_no_number(self, details_url: str, path: str) -> None:
        answer = ask(details_url, path)
        assert (answer.status, json.loads(answer.text)) == (400, {"error": "please provide numeric product id"})

    def test_health(self, details_url: str) -> None:
        assert json.loads(ask(details_url, "/health").text) == {"status": "Details is healthy"}
        assert ask(details_url, "/").status == 404


class TestRatings:
    """ratings/ratings.js."""

    def test_ratings(self, ratings_url: str) -> None:
        answer = ask(ratings_url, "/ratings/0")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert json.loads(answer.text) == {"id": 0, "ratings": {"Reviewer1": 5, "Reviewer2": 4}}

    def test_number(self, ratings_url: str) -> None:
        assert json.loads(ask(ratings_url, "/ratings/12abc").text)["id"] == 12
        for path in ("/ratings/abc", "/ratings/"):
            answer = ask(ratings_url, path)
            assert (answer.status, json.loads(answer.text)) == (400, {"error": "please provide numeric product ID"})
        assert ask(ratings_url, "/ratings").status == 404

    def test_post(self, ratings_url: str) -> None:
        answer = ask(ratings_url, "/ratings/77", "POST", body='{"Reviewer1": 1, "other": 2}')
        expected = {"id": 77, "ratings": {"Reviewer1": 1, "other": 2}}
        assert (answer.status, json.loads(answer.text)) == (200, expected)
        assert json.loads(ask(ratings_url, "/ratings/77").text) == expected
        for path, body, error in (
            ("/ratings/78", "{", "please provide valid ratings JSON"),
            ("/ratings/x", "{}", "please provide numeric product ID"),
        ):
            answer = ask(ratings_url, path, "POST", body=body)
            assert (answer.status, json.loads(answer.text)) == (400, {"error": error})

    def test_health(self, ratings_url: str) -> None:
        assert json.loads(ask(ratings_url, "/health").text) == {"status": "Ratings is healthy"}

    def test_faulty(self, launch: Launcher) -> None:
        url = launch("ratings", "v-faulty").url
        answers = [ask(url, "/ratings/0") for _ in range(40)]  # all alike: once in 5e11 runs
        assert {one.status for one in answers} == {200, 503}
        assert {one.text for one in answers if one.status == 503} == {'{"error":"Service unavailable"}'}

    @pytest.mark.parametrize("version", ["v-unavailable", "v-unhealthy"])
    def test_good_turn_comes_first(self, launch: Launcher, version: str) -> None:
        url = launch("ratings", version).url
        assert (ask(url, "/ratings/0").status, ask(url, "/health").status) == (200, 200)

    def test_delayed(self, launch: Launcher) -> None:
        url = launch("ratings", "v-delayed").url

        def measure(_: int) -> float:
            started = time.monotonic()
            assert ask(url, "/ratings/0").status == 200
            return time.monotonic() - started

        with ThreadPoolExecutor(20) as pool:
            seconds = sorted(pool.map(measure, range(20)))
        assert seconds[0] < 1
        assert 7 <= seconds[-1] < 8
        assert all(one < 1 or one >= 7 for one in seconds)


class TestReviews:
    """reviews/reviews-application/src/main/java/application/rest/LibertyRestEndpoint.java."""

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("v1", [None, None]),
            ("v2", [{"stars": 5, "color": "black"}, {"stars": 4, "color": "black"}]),
            ("v3", [{"stars": 5, "color": "red"}, {"stars": 4, "color": "red"}]),
        ],
    )
    def test_versions(self, launch: Launcher, ratings_url: str, version: str, expected: list[object]) -> None:
        answer = ask(launch("reviews", version, ratings=ratings_url).url, "/reviews/3")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        found = json.loads(answer.text)
        assert found["id"] == "3", "the number comes back as text"
        assert found["podname"].startswith(f"reviews-{version}-")
        assert found["clustername"] == "null"
        assert [one["reviewer"] for one in found["reviews"]] == ["Reviewer1", "Reviewer2"]
        assert all(one["text"] for one in found["reviews"])
        assert [one.get("rating") for one in found["reviews"]] == expected

    def test_health_and_what_is_not_there(self, reviews_url: str) -> None:
        assert json.loads(ask(reviews_url, "/health").text) == {"status": "Reviews is healthy"}
        assert ask(reviews_url, "/reviews/abc").status == 404
        assert ask(reviews_url, "/nowhere").status == 404

    def test_headers(self, launch: Launcher, backend: Callable[..., Backend]) -> None:
        ratings = backend()
        sent = {**FORWARDED, **B3, "x-b3-parentspanid": SPAN, "x-b3-flags": "0", "end-user": "jason"}
        url = launch("reviews", "v2", ratings=ratings.url).url
        assert ask(url, "/reviews/4", headers={**sent, "x-other": "1"}).status == 200
        path, headers = ratings.requests[0]
        assert path == "/ratings/4"
        assert {key: headers.get(key) for key in sent} == sent
        assert headers["accept"] == "application/json"
        assert "x-other" not in headers

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"status": 503}, [{"error": NO_RATING}] * 2),
            ({"status": 200, "body": '{"error": "no database"}'}, [{"error": NO_RATING}] * 2),
            ({"body": '{"ratings": {"Reviewer2": 1}}'}, [{"error": NO_RATING}, {"stars": 1, "color": "red"}]),
        ],
    )
    def test_ratings_that_fail(
        self, launch: Launcher, backend: Callable[..., Backend], options: dict[str, object], expected: list[object]
    ) -> None:
        url = launch("reviews", "v3", ratings=backend(**options).url).url
        answer = ask(url, "/reviews/0")
        assert answer.status == 200
        assert [one["rating"] for one in json.loads(answer.text)["reviews"]] == expected

    @pytest.mark.parametrize("body", ["<html>", "[]", '{"ratings": []}', '{"ratings": {"Reviewer1": "five"}}'])
    def test_ratings_that_make_no_sense(self, launch: Launcher, backend: Callable[..., Backend], body: str) -> None:
        assert ask(launch("reviews", "v2", ratings=backend(body=body).url).url, "/reviews/0").status == 500


class TestEnd:
    """The sample's pods end within their grace period, and a request that has begun is answered."""

    def test_sigterm(self, launch: Launcher, backend: Callable[..., Backend]) -> None:
        slow = backend(delay=1, body=json.dumps({"ratings": {"Reviewer1": 5, "Reviewer2": 4}}))
        program = launch("reviews", "v3", ratings=slow.url)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(ask, program.url, "/reviews/0")
            while not slow.requests:
                time.sleep(0.01)
            program.process.send_signal(signal.SIGTERM)
            assert running.result().status == 200
        assert program.process.wait(timeout=10) in (0, 128 + signal.SIGTERM)  # the latter is upstream's Java server
