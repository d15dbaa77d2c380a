package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	pb "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// events goes from the output binding to the input binding of the same process.
type events struct {
	queue   chan []byte
	lock    sync.Mutex
	answers []string
}

func newEvents() *events { return &events{queue: make(chan []byte, 10_000)} }

type inputBinding struct {
	pb.UnimplementedInputBindingServer
	instances
	*events
}

func (b *inputBinding) Init(ctx context.Context, request *pb.InputBindingInitRequest) (*pb.InputBindingInitResponse, error) {
	return &pb.InputBindingInitResponse{}, b.init(ctx, request.GetMetadata().GetProperties())
}

func (b *inputBinding) Ping(context.Context, *pb.PingRequest) (*pb.PingResponse, error) {
	return &pb.PingResponse{}, nil
}

// Read hands events out; one that was not handled comes again.
func (b *inputBinding) Read(stream pb.InputBinding_ReadServer) error {
	if _, _, err := b.settings(stream.Context()); err != nil {
		return err
	}
	var mu sync.Mutex
	open := map[string][]byte{}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			answer, err := stream.Recv()
			if err != nil {
				return
			}
			mu.Lock()
			data, ok := open[answer.GetMessageId()]
			delete(open, answer.GetMessageId())
			mu.Unlock()
			if !ok {
				continue
			}
			if answer.GetResponseError() != nil {
				b.queue <- data
				continue
			}
			b.lock.Lock()
			b.answers = append(b.answers, string(answer.GetResponseData()))
			b.lock.Unlock()
		}
	}()
	for id := 0; ; id++ {
		select {
		case data := <-b.queue:
			name := strconv.Itoa(id)
			mu.Lock()
			open[name] = data
			mu.Unlock()
			event := &pb.ReadResponse{Data: data, MessageId: name, ContentType: "text/plain", Metadata: map[string]string{"id": name}}
			if err := stream.Send(event); err != nil {
				return err
			}
		case <-gone:
			mu.Lock()
			defer mu.Unlock()
			for _, data := range open {
				b.queue <- data
			}
			return nil
		}
	}
}

type outputBinding struct {
	pb.UnimplementedOutputBindingServer
	instances
	*events
	cancelled atomic.Int64
}

func (b *outputBinding) Init(ctx context.Context, request *pb.OutputBindingInitRequest) (*pb.OutputBindingInitResponse, error) {
	return &pb.OutputBindingInitResponse{}, b.init(ctx, request.GetMetadata().GetProperties())
}

func (b *outputBinding) Ping(context.Context, *pb.PingRequest) (*pb.PingResponse, error) {
	return &pb.PingResponse{}, nil
}

func (b *outputBinding) ListOperations(context.Context, *pb.ListOperationsRequest) (*pb.ListOperationsResponse, error) {
	operations := []string{"echo", "emit", "answers", "settings", "fail", "hang", "cancelled", "large"}
	return &pb.ListOperationsResponse{Operations: operations}, nil
}

func (b *outputBinding) Invoke(ctx context.Context, request *pb.InvokeRequest) (*pb.InvokeResponse, error) {
	name, properties, err := b.settings(ctx)
	if err != nil {
		return nil, err
	}
	switch request.GetOperation() {
	case "echo":
		return &pb.InvokeResponse{Data: request.GetData(), Metadata: request.GetMetadata(), ContentType: "text/plain"}, nil
	case "emit":
		b.queue <- request.GetData()
		return &pb.InvokeResponse{}, nil
	case "answers":
		b.lock.Lock()
		defer b.lock.Unlock()
		return &pb.InvokeResponse{Data: []byte(fmt.Sprintf("%q", b.answers))}, nil
	case "settings":
		return &pb.InvokeResponse{Data: []byte(name), Metadata: properties}, nil
	case "hang":
		<-ctx.Done()
		b.cancelled.Add(1)
		return nil, ctx.Err()
	case "cancelled":
		return &pb.InvokeResponse{Data: []byte(strconv.FormatInt(b.cancelled.Load(), 10))}, nil
	case "large":
		return &pb.InvokeResponse{Data: make([]byte, 5<<20)}, nil
	}
	return nil, status.Error(codes.Internal, "asked to fail")
}
