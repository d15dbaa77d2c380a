// The app behind the runtime in the bench: answers everything at once, so that it is never the limit.
// main PORT [ACTOR_TYPE]: hosts actors of that type. GET /fires says how many reminders and jobs it was called for, and
// when; DELETE /fires begins again.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := []byte("hello")
	fires := newFires()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(os.Args) > 2 && r.URL.Path == "/dapr/config" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"entities":[%q]}`, os.Args[2])
			return
		}
		if strings.HasPrefix(r.URL.Path, "/job/") || strings.Contains(r.URL.Path, "/method/remind/") {
			fires.note()
			return
		}
		if r.URL.Path == "/fires" {
			fires.answer(w, r)
			return
		}
		if r.URL.Path == "/dapr/subscribe" || r.URL.Path == "/dapr/config" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if r.URL.Path == "/sink" {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			fmt.Fprint(w, n)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(body)
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
