package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKubernetesSchema(t *testing.T) {
	types, err := readKubernetes([]byte(`types:
- name: io.k8s.api.core.v1.Box
  map:
    fields:
    - {name: apiVersion, type: {scalar: string}}
    - {name: metadata, type: {namedType: io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta}}
    - {name: spec, type: {namedType: io.k8s.api.core.v1.BoxSpec}}
    - {name: status, type: {namedType: io.k8s.api.core.v1.BoxSpec}}
- name: io.k8s.api.core.v1.BoxSpec
  map:
    fields:
    - {name: status, type: {scalar: boolean}}
    - {name: size, type: {namedType: io.k8s.apimachinery.pkg.api.resource.Quantity}}
    - {name: sizes, type: {map: {elementType: {namedType: io.k8s.apimachinery.pkg.api.resource.Quantity}}}}
    - {name: labels, type: {map: {elementType: {scalar: string}}}}
    - {name: until, type: {namedType: io.k8s.apimachinery.pkg.apis.meta.v1.Time}}
    - {name: sides, type: {list: {elementType: {scalar: numeric}, elementRelationship: atomic}}}
    - {name: inner, type: {list: {elementType: {namedType: io.k8s.api.core.v1.BoxSpec}}}}
    - {name: lid, type: {list: {elementType: {namedType: io.k8s.api.core.v1.Lid}}}}
    - {name: first, type: {namedType: io.k8s.api.core.v1.Lid}}
    - {name: raw, type: {namedType: __untyped_deduced_}}
- name: io.k8s.api.core.v1.Lid
  map:
    fields:
    - {name: box, type: {namedType: io.k8s.api.core.v1.BoxSpec}}
    - {name: color, type: {scalar: string}}
- name: io.k8s.api.core.v1beta1.Box
  map:
    fields:
    - {name: apiVersion, type: {scalar: numeric}}
    - {name: metadata, type: {namedType: io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta}}
    - {name: spec, type: {map: {fields: [{name: old, type: {scalar: string}}]}}}
- name: io.k8s.api.core.v1.Container
  map: {fields: [{name: image, type: {scalar: string}}]}
- name: io.k8s.api.core.v1.EphemeralContainer
  map: {fields: [{name: image, type: {scalar: string}}, {name: targetContainerName, type: {scalar: string}}]}
- name: io.k8s.api.core.v1.Namespace
  map:
    fields:
    - {name: metadata, type: {namedType: io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta}}
    - {name: spec, type: {namedType: io.k8s.api.core.v1.BoxSpec}}
- name: io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta
  map:
    fields:
    - {name: name, type: {scalar: string}}
    - {name: uid, type: {scalar: string}}
- {name: io.k8s.apimachinery.pkg.apis.meta.v1.Time, scalar: untyped}
- {name: io.k8s.apimachinery.pkg.api.resource.Quantity, scalar: untyped}
- {name: __untyped_deduced_, scalar: untyped, list: {elementType: {scalar: string}}, map: {elementType: {scalar: string}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := encode(types.tables(map[string]attributes{
		"k8s_container": {"role": {flags: "o", typ: "string"}},
		"k8s_shelf":     {"spec": {flags: "o", typ: "single", nested: attributes{"lids": {flags: "o", typ: "#list(Lid)"}, "own": {flags: "o", typ: "#own"}}}},
		"#own":          {"a": {flags: "o", typ: "bool"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	// A type within itself is cut; the newest version's words win, and the old one's are added; only objects lose their status.
	want := "k8s_box\tapiVersion=os,metadata=oS{name=os},spec=oS{first=oS{box=oa,color=os},inner=ola,labels=oms," +
		"lid=oL{box=oa,color=os},old=os,raw=oa,sides=oln,size=oa,sizes=oma,status=ob,until=os}\n" +
		"k8s_container\timage=os,role=os,targetContainerName=os\n" +
		"k8s_shelf\tmetadata=oS{name=os},spec=oS{lids=oL{box=oS{first=oa,inner=ola,labels=oms,lid=ola,raw=oa,sides=oln,size=oa,sizes=oma,status=ob,until=os},color=os},own=oS{a=ob}}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestCompareVersions(t *testing.T) {
	order := []string{"v2", "v1", "v1beta2", "v1beta1", "v1alpha1", ""}
	for i, a := range order {
		for j, b := range order {
			if got := compareVersions(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("compareVersions(%s, %s) = %d", a, b, got)
			}
		}
	}
	if v := versionOf("io.k8s.api.extensions.v1beta1.Ingress"); v != "" {
		t.Errorf("what is in extensions is of version %q, and so newer than others", v)
	}
}

// TestKubernetesKept holds what is written by hand against the table: who edits one must make the other.
func TestKubernetesKept(t *testing.T) {
	written, err := readKept("kubernetes.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "data", "kubernetes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		typ, row, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		rows[typ] = "," + row + ","
	}
	none := kubernetesTypes{}
	for typ, as := range written {
		if strings.HasPrefix(typ, "#") {
			continue
		}
		for name, a := range none.expanded(as, written) {
			want := attributes{name: a}
			cell, err := want.encode()
			if err != nil {
				t.Fatal(err)
			}
			if borrows(as, written) {
				cell = name + "=" // the members of Kubernetes' own objects are only in the table
			}
			if !strings.Contains(rows[typ], ","+cell) {
				t.Errorf("%s has no %s: run go run ./schema/generate -kubernetes", typ, cell)
			}
		}
	}
}

// borrows says whether a part of the attributes is an object of Kubernetes' own.
func borrows(as attributes, written map[string]attributes) bool {
	for _, a := range as {
		object, named := strings.CutPrefix(strings.TrimSuffix(strings.Replace(a.typ, "#list(", "#", 1), ")"), "#")
		if named && (written["#"+object] == nil || borrows(written["#"+object], written)) || borrows(a.nested, written) {
			return true
		}
	}
	return false
}
