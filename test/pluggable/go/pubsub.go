package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	pb "github.com/dapr/dapr/pkg/proto/components/v1"
)

const (
	redelivery = 40 * time.Millisecond
	// unacknowledged messages that one subscriber may hold
	window = 10
)

type message struct {
	id string
	*pb.PullMessagesResponse
}

// group is one consumer of one topic; it sees the topic from its beginning.
type group struct {
	waiting []*message
}

type topic struct {
	log    []*message
	groups map[string]*group
}

// broker keeps topics for all instances of the process.
type broker struct {
	pb.UnimplementedPubSubServer
	instances
	mu     sync.Mutex
	more   *sync.Cond
	topics map[string]*topic
	next   int
}

func newBroker() *broker {
	b := &broker{topics: map[string]*topic{}}
	b.more = sync.NewCond(&b.mu)
	return b
}

func (b *broker) Init(ctx context.Context, request *pb.PubSubInitRequest) (*pb.PubSubInitResponse, error) {
	return &pb.PubSubInitResponse{}, b.init(ctx, request.GetMetadata().GetProperties())
}

func (b *broker) Features(ctx context.Context, _ *pb.FeaturesRequest) (*pb.FeaturesResponse, error) {
	_, properties, err := b.settings(ctx)
	if properties["bulk"] == "false" {
		return &pb.FeaturesResponse{}, err
	}
	features := []string{"BULK_PUBSUB"}
	if properties["immediate"] == "true" {
		features = append(features, "BULK_SUBSCRIBE_IMMEDIATE")
	}
	return &pb.FeaturesResponse{Features: features}, err
}

func (b *broker) Ping(context.Context, *pb.PingRequest) (*pb.PingResponse, error) {
	return &pb.PingResponse{}, nil
}

func (b *broker) topic(name string) *topic {
	t := b.topics[name]
	if t == nil {
		t = &topic{groups: map[string]*group{}}
		b.topics[name] = t
	}
	return t
}

func (b *broker) add(name string, data []byte, contentType string, metadata map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	id := strconv.Itoa(b.next)
	m := &message{id, &pb.PullMessagesResponse{Data: data, TopicName: name, Metadata: metadata, ContentType: contentType, Id: id}}
	t := b.topic(name)
	t.log = append(t.log, m)
	for _, g := range t.groups {
		g.waiting = append(g.waiting, m)
	}
	b.more.Broadcast()
}

func (b *broker) Publish(ctx context.Context, r *pb.PublishRequest) (*pb.PublishResponse, error) {
	if _, _, err := b.settings(ctx); err != nil {
		return nil, err
	}
	b.add(r.GetTopic(), r.GetData(), r.GetContentType(), r.GetMetadata())
	return &pb.PublishResponse{}, nil
}

// BulkPublish refuses the entries whose metadata say so.
func (b *broker) BulkPublish(ctx context.Context, r *pb.BulkPublishRequest) (*pb.BulkPublishResponse, error) {
	if _, _, err := b.settings(ctx); err != nil {
		return nil, err
	}
	failed := []*pb.BulkPublishResponseFailedEntry{}
	for _, entry := range r.GetEntries() {
		if why, ok := entry.GetMetadata()["refuse"]; ok {
			failed = append(failed, &pb.BulkPublishResponseFailedEntry{EntryId: entry.GetEntryId(), Error: why})
			continue
		}
		b.add(r.GetTopic(), entry.GetEvent(), entry.GetContentType(), entry.GetMetadata())
	}
	return &pb.BulkPublishResponse{FailedEntries: failed}, nil
}

func (b *broker) join(name, consumer string) *group {
	t := b.topic(name)
	g := t.groups[consumer]
	if g == nil {
		g = &group{waiting: append([]*message{}, t.log...)}
		t.groups[consumer] = g
	}
	return g
}

func (b *broker) PullMessages(stream pb.PubSub_PullMessagesServer) error {
	_, properties, err := b.settings(stream.Context())
	if err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	consumer := first.GetTopic().GetMetadata()["consumerID"]
	if consumer == "" {
		consumer = properties["consumerID"]
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.join(first.GetTopic().GetName(), consumer)
	held := map[string]*message{}
	gone := false
	go func() {
		for {
			ack, err := stream.Recv()
			b.mu.Lock()
			if err != nil {
				gone = true
				b.more.Broadcast()
				b.mu.Unlock()
				return
			}
			m := held[ack.GetAckMessageId()]
			delete(held, ack.GetAckMessageId())
			if m != nil && ack.GetAckError() != nil {
				time.AfterFunc(redelivery, func() { b.giveBack(g, m) })
			}
			b.more.Broadcast()
			b.mu.Unlock()
		}
	}()
	for {
		for !gone && (len(g.waiting) == 0 || len(held) >= window) {
			b.more.Wait()
		}
		if gone {
			for _, m := range held {
				g.waiting = append(g.waiting, m)
			}
			b.more.Broadcast()
			return nil
		}
		m := g.waiting[0]
		g.waiting = g.waiting[1:]
		held[m.id] = m
		b.mu.Unlock()
		err := stream.Send(m.PullMessagesResponse)
		b.mu.Lock()
		if err != nil {
			gone = true
		}
	}
}

func (b *broker) giveBack(g *group, m *message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g.waiting = append(g.waiting, m)
	b.more.Broadcast()
}
