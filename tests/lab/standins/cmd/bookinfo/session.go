// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/base64"
	"net/http"
)

// sessionCookie has the name of Flask's; its value is the user's name, unsigned. Upstream signs its own with a key
// that is public, so that neither proves anything.
const sessionCookie = "session"

func sessionUser(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	user, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return ""
	}
	return string(user)
}

// login accepts every name, without a password, and goes back to where the form was sent from.
func login(w http.ResponseWriter, r *http.Request) {
	setSession(w, base64.RawURLEncoding.EncodeToString([]byte(r.FormValue("username"))), 0)
	goBack(w, r)
}

func logout(w http.ResponseWriter, r *http.Request) {
	if sessionUser(r) != "" {
		setSession(w, "", -1)
	}
	goBack(w, r)
}

func setSession(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, MaxAge: maxAge})
}

// goBack redirects to the Referer as it came.
func goBack(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", r.Referer())
	w.WriteHeader(http.StatusFound)
}
