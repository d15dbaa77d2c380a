// The app behind the runtime in the bench: answers everything at once, so that it is never the limit.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	body := []byte("hello")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
