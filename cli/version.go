package cli

import (
	"context"
	"fmt"
	"runtime"
)

// version is the release; a build for distribution sets it with -ldflags "-X plumbline.dev/plumbline/cli.version=…".
var version = "0.1.0-dev"

var versionCommand = &command{
	name:    "version",
	summary: "Print the version",
	run: func(_ context.Context, c *call) error {
		_, err := fmt.Fprintf(c.Out, "plumbline %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	},
}
