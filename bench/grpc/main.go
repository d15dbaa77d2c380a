// gRPC for the bench: `load` sends one unary call again and again, `echo` is the app behind a proxy.
// Messages are bytes to both: nothing is decoded, so that neither is the limit.
package main

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// rawCodec passes messages through.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (rawCodec) Name() string { return "proto" }

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("load or echo?"))
	}
	switch os.Args[1] {
	case "load":
		load(os.Args[2:])
	case "echo":
		echo(os.Args[2])
	}
}

func load(args []string) {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	addr := flags.String("addr", "", "host:port")
	method := flags.String("method", "", "/package.Service/Method")
	request := flags.String("request", "", "the message, in hexadecimal")
	headers := flags.String("metadata", "", "name=value,...")
	connections := flags.Int("connections", 4, "")
	concurrency := flags.Int("concurrency", 32, "calls in flight")
	seconds := flags.Float64("seconds", 5, "")
	_ = flags.Parse(args)
	body, err := hex.DecodeString(*request)
	fail(err)
	ctx := context.Background()
	for _, pair := range strings.Split(*headers, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			ctx = metadata.AppendToOutgoingContext(ctx, name, value)
		}
	}
	conns := make([]*grpc.ClientConn, *connections)
	for i := range conns {
		conns[i], err = grpc.NewClient("passthrough:///"+*addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})))
		fail(err)
	}
	var mutex sync.Mutex
	var all []time.Duration
	var first error
	begin := time.Now()
	end := begin.Add(time.Duration(*seconds * float64(time.Second)))
	var group sync.WaitGroup
	for i := 0; i < *concurrency; i++ {
		group.Add(1)
		go func(conn *grpc.ClientConn) {
			defer group.Done()
			var took []time.Duration
			for time.Now().Before(end) {
				started := time.Now()
				var answer []byte
				if err := conn.Invoke(ctx, *method, &body, &answer); err != nil {
					mutex.Lock()
					first = err
					mutex.Unlock()
					return
				}
				took = append(took, time.Since(started))
			}
			mutex.Lock()
			all = append(all, took...)
			mutex.Unlock()
		}(conns[i%len(conns)])
	}
	group.Wait()
	if first != nil {
		fail(first)
	}
	elapsed := time.Since(begin).Seconds()
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	fmt.Printf("RESULT %d %f %f %f\n", len(all), float64(len(all))/elapsed, at(0.5), at(0.99))
}

func echo(port string) {
	handler := func(_ any, stream grpc.ServerStream) error {
		for {
			var message []byte
			if err := stream.RecvMsg(&message); err != nil {
				return nil
			}
			if err := stream.SendMsg(&message); err != nil {
				return err
			}
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	fail(err)
	server := grpc.NewServer(grpc.UnknownServiceHandler(handler), grpc.ForceServerCodec(rawCodec{}))
	fail(server.Serve(listener))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
