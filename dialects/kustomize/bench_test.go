package kustomize

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// threeOverlays is a base of twenty workloads with an overlay for each of three stages.
func threeOverlays() map[string]string {
	files := map[string]string{"base/kustomization.yaml": "resources:\n"}
	for i := range 20 {
		name := fmt.Sprintf("web%d", i)
		files["base/kustomization.yaml"] += "- " + name + ".yaml\n"
		files["base/"+name+".yaml"] = strings.ReplaceAll(web, "name: web", "name: "+name)
	}
	for _, stage := range [...]string{"dev", "test", "prod"} {
		files[stage+"/kustomization.yaml"] = "namespace: " + stage + "\nresources: [../base]\nlabels: [{pairs: {stage: " + stage + "}}]\nimages: [{name: nginx, newTag: '2'}]\npatches:\n- path: more.yaml\n- path: less.yaml\n"
		files[stage+"/more.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web1}\nspec: {template: {spec: {hostNetwork: true}}}\n"
		files[stage+"/less.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web2}\nspec: {replicas: 2}\n"
	}
	return files
}

// BenchmarkEvaluate opens and builds three overlays of a base.
func BenchmarkEvaluate(b *testing.B) {
	tree, paths := fstest.MapFS{}, []string{}
	for name, text := range threeOverlays() {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		paths = append(paths, name)
	}
	d := New(schema.Load())
	for b.Loop() {
		reader := &source.Reader{FS: tree}
		e, _ := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, paths)
		n := 0
		for _, name := range e.Units() {
			n += len(e.Evaluate(context.Background(), name).Graph.Resources)
		}
		if n != 3*100 {
			b.Fatal(n)
		}
	}
}

// BenchmarkParse only parses the files of BenchmarkEvaluate.
func BenchmarkParse(b *testing.B) {
	files := threeOverlays()
	for b.Loop() {
		for name, text := range files {
			document.Parse(&source.File{Path: name, Bytes: []byte(text)}, dialect.Limits{})
		}
	}
}
