// Command generate makes the tables of package schema that are not kept by hand. It is run from the root of the repository.
//
//	go run ./schema/generate            core.txt from generate/core.json, and so for each table that is kept by hand
//	go run ./schema/generate -types     aws.txt, azurerm.txt and google.txt too, from npm packages, which it downloads (110 MB)
//	go run ./schema/generate -defaults  defaults-azurerm.tsv, from the provider's source, which it downloads (18 MB)
//	go run ./schema/generate -published FILE -dialect cloudformation
//	                                    testdata/cloudformation.txt.gz from db.json.gz of npm @aws-cdk/aws-service-spec
//	go run ./schema/generate -published FILE -dialect ansible
//	                                    testdata/ansible.txt.gz from the wheel of PyPI ansible
//	go run ./schema/generate -published FOLDER -dialect arm
//	                                    testdata/arm.txt.gz from wheels of PyPI azure-mgmt-*, as testdata/ORIGIN.md names them
//
//	go run ./schema/generate -kubernetes
//	                                    kubernetes.txt from Kubernetes' client for Go, which it downloads, and generate/kubernetes.json
//	go run ./schema/generate -pulumi FOLDER
//	                                    pulumi.txt from what npm pack makes of @pulumi/aws, @pulumi/azure and @pulumi/gcp
//
// The form of core.json is {resource type: {attribute: [flags, type, {nested attributes}?]}} with flags r required, o
// optional, c computed, oc optional and computed; type string, number, bool, any, map(T), list(T), set(T) and, of blocks,
// list1 and set1 (at most one), list, set and single. See data/ORIGIN.md for where everything comes from.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	types := flag.Bool("types", false, "make the tables of the providers")
	defaults := flag.Bool("defaults", false, "make the defaults of the azurerm provider")
	from := flag.String("from", "", "folder with the npm packages as npm pack names them, instead of downloading")
	into := flag.String("into", "schema/data", "folder of the tables")
	file := flag.String("published", "", "`FILE` that a dialect's own types are read from, for schema/testdata")
	dialect := flag.String("dialect", "cloudformation", "`NAME` of the dialect whose types -published has")
	pulumi := flag.String("pulumi", "", "`FOLDER` with the npm packages of Pulumi's providers, for data/pulumi.txt")
	kubernetes := flag.Bool("kubernetes", false, "make the kinds of Kubernetes")
	plain := flag.Bool("plain", false, "with -published: leave the text beside its compressed form")
	flag.Parse()
	if *pulumi != "" {
		if err := pulumiNames(*pulumi, filepath.Join(*into, "pulumi.txt")); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
		return
	}
	if *kubernetes {
		if err := kubernetesNames(filepath.Join(*into, "kubernetes.txt")); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
		return
	}
	if *file != "" {
		if err := publish(*file, *dialect, *plain); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*types, *defaults, *from, *into); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// kept are the tables that are written by hand: NAME.json makes NAME.txt.
var kept = []string{"actions", "azurepipelines", "bitbucket", "ci", "circleci", "compose", "core", "dependabot", "docker", "gitlab"}

func readKept(file string) (map[string]attributes, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var written map[string]attributes
	if err := json.Unmarshal(text, &written); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return written, nil
}

func run(types, defaults bool, from, into string) error {
	for _, name := range kept {
		written, err := readKept(filepath.Join("schema/generate", name+".json"))
		if err != nil {
			return err
		}
		if err := tabulate(written, filepath.Join(into, name+".txt")); err != nil {
			return err
		}
	}
	if types {
		for _, provider := range slices.Sorted(maps.Keys(packages)) {
			found, err := typesOf(packages[provider], from)
			if err != nil {
				return err
			}
			if err := tabulate(found, filepath.Join(into, provider+".txt")); err != nil {
				return err
			}
		}
	}
	if defaults {
		return azurermDefaults(filepath.Join(into, "defaults-azurerm.tsv"))
	}
	return nil
}

// typesOf reads a package from a folder, or from the registry when none is named.
func typesOf(pkg, folder string) (map[string]attributes, error) {
	if folder == "" {
		return download(pkg)
	}
	file := strings.NewReplacer("@cdktf/", "cdktf-", "@", "-").Replace(pkg) + ".tgz"
	return readPackage(filepath.Join(folder, file))
}

func tabulate(types map[string]attributes, output string) error {
	text, err := encode(types)
	if err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	return os.WriteFile(output, text, 0o644)
}
