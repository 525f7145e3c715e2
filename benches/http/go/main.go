// The official Go SDK under net/http: a handler that does nothing but count.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/larksuite/oapi-sdk-go/v3/core/httpserverext"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"
	larkvc "github.com/larksuite/oapi-sdk-go/v3/service/vc/v1"
)

var handled atomic.Int64

func onUpdated(context.Context, *larkvc.P2ReserveConfigUpdatedV1) error {
	handled.Add(1)
	return nil
}

func main() {
	token, key := os.Getenv("LARK_VERIFICATION_TOKEN"), os.Getenv("LARK_ENCRYPT_KEY")
	events := dispatcher.NewEventDispatcher(token, key).OnP2ReserveConfigUpdatedV1(onUpdated)
	http.HandleFunc("/webhook/event", httpserverext.NewEventHandlerFunc(events))
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN_ADDR"), nil))
}
