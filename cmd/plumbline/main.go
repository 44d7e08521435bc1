// Command plumbline finds what is insecure in infrastructure code, explains it and offers proved fixes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"plumbline.dev/plumbline/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Process()))
}
