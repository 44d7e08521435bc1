// Command plumbline finds what is insecure in infrastructure code, explains it and offers proved fixes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"plumbline.dev/plumbline/cli"
)

// grace is how long a command may take to stop after it was told to.
const grace = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
		time.Sleep(grace)
		fmt.Fprintln(os.Stderr, "plumbline: interrupted")
		os.Exit(cli.Failure)
	}()
	tuneMemory()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Process()))
}
