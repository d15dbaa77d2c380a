package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	pb "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type item struct {
	data    []byte
	etag    int64
	expires time.Time
}

type stateStore struct {
	pb.UnimplementedStateStoreServer
	pb.UnimplementedTransactionalStateStoreServer
	pb.UnimplementedTransactionalStoreMultiMaxSizeServer
	pb.UnimplementedQueriableStateStoreServer
	instances
	mu    sync.Mutex
	items map[string]map[string]item
	etags int64
}

var states = &stateStore{items: map[string]map[string]item{}}

func (s *stateStore) Init(ctx context.Context, request *pb.InitRequest) (*pb.InitResponse, error) {
	return &pb.InitResponse{}, s.init(ctx, request.GetMetadata().GetProperties())
}

func (s *stateStore) Features(ctx context.Context, _ *pb.FeaturesRequest) (*pb.FeaturesResponse, error) {
	_, properties, err := s.settings(ctx)
	if properties["plain"] == "true" {
		return &pb.FeaturesResponse{}, err
	}
	return &pb.FeaturesResponse{Features: []string{"ETAG", "TRANSACTIONAL", "TTL", "QUERY_API"}}, err
}

func (s *stateStore) Ping(ctx context.Context, _ *pb.PingRequest) (*pb.PingResponse, error) {
	_, _, err := s.settings(ctx)
	return &pb.PingResponse{}, err
}

// locked runs with the items of the caller's instance.
func (s *stateStore) locked(ctx context.Context, run func(items map[string]item) error) error {
	name, _, err := s.settings(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	items := s.items[name]
	if items == nil {
		items = map[string]item{}
		s.items[name] = items
	}
	return run(items)
}

func find(items map[string]item, key string) (item, bool) {
	found, ok := items[key]
	return found, ok && (found.expires.IsZero() || time.Now().Before(found.expires))
}

func etagText(i item) *pb.Etag { return &pb.Etag{Value: strconv.FormatInt(i.etag, 10)} }

func (i item) metadata() map[string]string {
	if i.expires.IsZero() {
		return nil
	}
	return map[string]string{"ttlExpireTime": i.expires.UTC().Format(time.RFC3339)}
}

func etagError(code codes.Code, description string) error {
	violation := &errdetails.BadRequest_FieldViolation{Field: "etag", Description: description}
	details := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}}
	s, err := status.New(code, "etag").WithDetails(details)
	if err != nil {
		return err
	}
	return s.Err()
}

func check(items map[string]item, key string, etag *pb.Etag, options *pb.StateOptions) error {
	found, ok := find(items, key)
	if etag.GetValue() == "" {
		if ok && options.GetConcurrency() == pb.StateOptions_CONCURRENCY_FIRST_WRITE {
			return etagError(codes.FailedPrecondition, "the key is there")
		}
		return nil
	}
	wanted, err := strconv.ParseInt(etag.GetValue(), 10, 64)
	if err != nil {
		return etagError(codes.InvalidArgument, "no etag of this store")
	}
	if !ok || found.etag != wanted {
		return etagError(codes.FailedPrecondition, "the key has another etag")
	}
	return nil
}

func (s *stateStore) set(items map[string]item, r *pb.SetRequest) error {
	if err := check(items, r.GetKey(), r.GetEtag(), r.GetOptions()); err != nil {
		return err
	}
	s.etags++
	made := item{data: r.GetValue(), etag: s.etags}
	if text, ok := r.GetMetadata()["ttlInSeconds"]; ok {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return status.Error(codes.InvalidArgument, "ttlInSeconds is no number")
		}
		if seconds > 0 {
			made.expires = time.Now().Add(time.Duration(seconds) * time.Second)
		}
	}
	items[r.GetKey()] = made
	return nil
}

func remove(items map[string]item, r *pb.DeleteRequest) error {
	if err := check(items, r.GetKey(), r.GetEtag(), nil); err != nil {
		return err
	}
	delete(items, r.GetKey())
	return nil
}

func (s *stateStore) Get(ctx context.Context, r *pb.GetRequest) (*pb.GetResponse, error) {
	answer := &pb.GetResponse{}
	return answer, s.locked(ctx, func(items map[string]item) error {
		if found, ok := find(items, r.GetKey()); ok {
			answer.Data, answer.Etag, answer.Metadata = found.data, etagText(found), found.metadata()
		}
		return nil
	})
}

// BulkGet answers last things first and leaves out what is not there.
func (s *stateStore) BulkGet(ctx context.Context, r *pb.BulkGetRequest) (*pb.BulkGetResponse, error) {
	answer := &pb.BulkGetResponse{}
	return answer, s.locked(ctx, func(items map[string]item) error {
		for i := len(r.GetItems()) - 1; i >= 0; i-- {
			key := r.GetItems()[i].GetKey()
			if found, ok := find(items, key); ok {
				answer.Items = append(answer.Items, &pb.BulkStateItem{Key: key, Data: found.data, Etag: etagText(found), Metadata: found.metadata()})
			}
		}
		return nil
	})
}

func (s *stateStore) Set(ctx context.Context, r *pb.SetRequest) (*pb.SetResponse, error) {
	return &pb.SetResponse{}, s.locked(ctx, func(items map[string]item) error { return s.set(items, r) })
}

func (s *stateStore) Delete(ctx context.Context, r *pb.DeleteRequest) (*pb.DeleteResponse, error) {
	return &pb.DeleteResponse{}, s.locked(ctx, func(items map[string]item) error { return remove(items, r) })
}

func (s *stateStore) BulkSet(ctx context.Context, r *pb.BulkSetRequest) (*pb.BulkSetResponse, error) {
	return &pb.BulkSetResponse{}, s.locked(ctx, func(items map[string]item) error {
		for _, each := range r.GetItems() {
			if err := s.set(items, each); err != nil {
				return err
			}
		}
		return nil
	})
}

// BulkDelete says how many keys were not there, as a SQL store would.
func (s *stateStore) BulkDelete(ctx context.Context, r *pb.BulkDeleteRequest) (*pb.BulkDeleteResponse, error) {
	return &pb.BulkDeleteResponse{}, s.locked(ctx, func(items map[string]item) error {
		affected := 0
		for _, each := range r.GetItems() {
			if _, ok := find(items, each.GetKey()); ok {
				affected++
			}
			if err := remove(items, each); err != nil {
				return err
			}
		}
		if affected == len(r.GetItems()) {
			return nil
		}
		info := &errdetails.ErrorInfo{Metadata: map[string]string{
			"expected": strconv.Itoa(len(r.GetItems())), "affected": strconv.Itoa(affected)}}
		failure, err := status.New(codes.Internal, "rows").WithDetails(info)
		if err != nil {
			return err
		}
		return failure.Err()
	})
}

func (s *stateStore) MultiMaxSize(context.Context, *pb.MultiMaxSizeRequest) (*pb.MultiMaxSizeResponse, error) {
	return &pb.MultiMaxSizeResponse{MaxSize: 200}, nil
}

func (s *stateStore) Transact(ctx context.Context, r *pb.TransactionalStateRequest) (*pb.TransactionalStateResponse, error) {
	return &pb.TransactionalStateResponse{}, s.locked(ctx, func(items map[string]item) error {
		draft := map[string]item{}
		for key, each := range items {
			draft[key] = each
		}
		for _, operation := range r.GetOperations() {
			var err error
			if put := operation.GetSet(); put != nil {
				err = s.set(draft, put)
			} else {
				err = remove(draft, operation.GetDelete())
			}
			if err != nil {
				return err
			}
		}
		clear(items)
		for key, each := range draft {
			items[key] = each
		}
		return nil
	})
}
