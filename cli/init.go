package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"plumbline.dev/plumbline/config"
)

var initCommand = &command{
	name:    "init",
	args:    "[DIRECTORY]",
	summary: "Write a commented settings file",
	run: func(_ context.Context, c *call) error {
		dir := c.Dir
		switch {
		case len(c.args) > 1:
			return usage("name one directory")
		case len(c.args) == 1 && filepath.IsAbs(c.args[0]):
			dir = c.args[0]
		case len(c.args) == 1:
			dir = filepath.Join(c.Dir, c.args[0])
		}
		name := filepath.Join(dir, config.FileNames[0])
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return usage("%s is there already", name)
		} else if err != nil {
			return fmt.Errorf("write the settings: %w", err)
		}
		_, err = f.WriteString(config.Template())
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("write the settings: %w", err)
		}
		_, err = fmt.Fprintf(c.Out, "wrote %s; everything in it is a comment until you need it\n", name)
		return err
	},
}
