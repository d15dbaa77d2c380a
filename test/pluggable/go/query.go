package main

import (
	"context"
	"encoding/json"
	"reflect"
	"sort"
	"strconv"
	"strings"

	pb "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type row struct {
	*pb.QueryItem
	value any
}

// Query knows EQ, IN, AND and OR; the token is the number of rows that were passed over.
func (s *stateStore) Query(ctx context.Context, r *pb.QueryRequest) (*pb.QueryResponse, error) {
	if r.GetMetadata()["fail"] != "" {
		return nil, status.Error(codes.Internal, r.GetMetadata()["fail"])
	}
	filter := map[string]any{}
	for name, operand := range r.GetQuery().GetFilter() {
		var value any
		if err := json.Unmarshal(operand.GetValue(), &value); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "filter %s: %v", name, err)
		}
		filter[name] = value
	}
	rows := []row{}
	err := s.locked(ctx, func(items map[string]item) error {
		for key := range items {
			found, ok := find(items, key)
			var value any
			if !ok || json.Unmarshal(found.data, &value) != nil || !matches(filter, value) {
				continue
			}
			rows = append(rows, row{&pb.QueryItem{Key: key, Data: found.data, Etag: etagText(found)}, value})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Key < rows[j].Key })
	for i := len(r.GetQuery().GetSort()) - 1; i >= 0; i-- {
		by := r.GetQuery().GetSort()[i]
		sort.SliceStable(rows, func(i, j int) bool {
			a, b := textAt(rows[i].value, by.GetKey()), textAt(rows[j].value, by.GetKey())
			if by.GetOrder() == pb.Sorting_DESC {
				return a > b
			}
			return a < b
		})
	}
	return page(rows, r.GetQuery().GetPagination())
}

func page(rows []row, p *pb.Pagination) (*pb.QueryResponse, error) {
	start := 0
	if p.GetToken() != "" {
		var err error
		if start, err = strconv.Atoi(p.GetToken()); err != nil {
			return nil, status.Error(codes.InvalidArgument, "no token of this store")
		}
	}
	answer := &pb.QueryResponse{Metadata: map[string]string{"rows": strconv.Itoa(len(rows))}}
	for i := start; i < len(rows); i++ {
		if p.GetLimit() > 0 && int64(i-start) == p.GetLimit() {
			answer.Token = strconv.Itoa(i)
			break
		}
		answer.Items = append(answer.Items, rows[i].QueryItem)
	}
	return answer, nil
}

func matches(filter map[string]any, value any) bool {
	for name, operand := range filter {
		switch name {
		case "EQ":
			for path, wanted := range operand.(map[string]any) {
				if !reflect.DeepEqual(at(value, path), wanted) {
					return false
				}
			}
		case "IN":
			for path, wanted := range operand.(map[string]any) {
				found := false
				for _, each := range wanted.([]any) {
					found = found || reflect.DeepEqual(at(value, path), each)
				}
				if !found {
					return false
				}
			}
		case "AND", "OR":
			count := 0
			for _, each := range operand.([]any) {
				if matches(each.(map[string]any), value) {
					count++
				}
			}
			if count == 0 || (name == "AND" && count < len(operand.([]any))) {
				return false
			}
		}
	}
	return true
}

func at(value any, path string) any {
	for _, name := range strings.Split(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

func textAt(value any, path string) string {
	text, _ := json.Marshal(at(value, path))
	return string(text)
}
