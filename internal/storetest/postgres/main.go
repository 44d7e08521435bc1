// Command postgres starts the PostgreSQL server of the tests, if it does not run yet, and prints its port.
package main

import (
	"fmt"
	"os"

	"plumbline.dev/plumbline/internal/storetest"
)

func main() {
	port, err := storetest.Port()
	if err != nil {
		fmt.Fprintln(os.Stderr, "postgres:", err)
		os.Exit(1)
	}
	fmt.Println(port)
}
