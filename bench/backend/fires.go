package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// What reminders and jobs have called.
type fires struct {
	mu          sync.Mutex
	count       int
	first, last time.Time
}

func newFires() *fires { return &fires{} }

func (f *fires) note() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = time.Now()
	if f.count == 0 {
		f.first = f.last
	}
	f.count++
}

// Writes the count, and the milliseconds from the first call to the last.
func (f *fires) answer(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodDelete {
		f.count = 0
		return
	}
	fmt.Fprintf(w, "%d %d", f.count, f.last.Sub(f.first).Milliseconds())
}
