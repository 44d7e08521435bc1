package dockerfile

import "testing"

func TestNonroot(t *testing.T) {
	for image, want := range map[string]bool{
		"gcr.io/distroless/static-debian12:nonroot":          true,
		"gcr.io/distroless/static-debian12:debug-nonroot":    true,
		"gcr.io/distroless/static:nonroot@sha256:00":         true,
		"gcr.io/distroless/static-debian12":                  false,
		"gcr.io/distroless/nonroot/static:latest":            false,
		"mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled": true,
		"mcr.microsoft.com/dotnet/aspnet:8.0":                false,
		"nginxinc/nginx-unprivileged:1.27":                   true,
		"nginx:1.27":                                         false,
		"localhost:5000/nonroot":                             false,
		"ubuntu:24.04-chiseled":                              false,
		"":                                                   false,
	} {
		if got := nonroot(image); got != want {
			t.Errorf("nonroot(%q) = %v", image, got)
		}
	}
}
