// A cluster's DNS: of CoreDNS only what answers names of Services.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

func main() {
	// The order in which plugins see a query.
	dnsserver.Directives = []string{"bind", "errors", "kubernetes"}
	coremain.Run()
}
