package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// What an archive may hold at most.
const (
	archiveBytes = 32 << 20 // of all its files
	archiveFile  = 5 << 20  // of one; Helm's own bound
	archiveFiles = 10_000
)

var bom = []byte("\ufeff")

// unpack reads the files of an archived chart. Names are those in the chart: the archive's first folder is taken off. Links and
// names that lead out of the folder are errors, as everything is that Helm refuses.
func unpack(at *File) ([]*File, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(at.Data))
	if err != nil {
		return nil, fmt.Errorf("it is no archive of a chart: %w", err)
	}
	defer zipped.Close()
	var files []*File
	left := int64(archiveBytes)
	reader := tar.NewReader(io.LimitReader(zipped, 2*archiveBytes))
	for entries := 0; ; entries++ {
		head, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the archive cannot be read: %w", err)
		}
		if entries > archiveFiles {
			return nil, fmt.Errorf("the archive has more than %d entries", archiveFiles)
		}
		switch {
		case head.FileInfo().IsDir(), head.Typeflag == tar.TypeXGlobalHeader, head.Typeflag == tar.TypeXHeader:
			continue
		case head.Typeflag == tar.TypeSymlink, head.Typeflag == tar.TypeLink:
			return nil, fmt.Errorf("the archive has a link: %q", head.Name)
		case head.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("the archive has something that is no file: %q", head.Name)
		}
		name, err := archivedName(head.Name)
		if err != nil {
			return nil, err
		}
		if head.Size > left || head.Size > archiveFile {
			return nil, fmt.Errorf("the archive is too large at %q", head.Name)
		}
		data, err := io.ReadAll(io.LimitReader(reader, head.Size))
		if err != nil || int64(len(data)) < head.Size {
			return nil, fmt.Errorf("the archive ends in %q", head.Name)
		}
		left -= head.Size
		files = append(files, &File{Name: name, Path: at.Path, Data: bytes.TrimPrefix(data, bom), Archived: true})
	}
	if len(files) == 0 {
		return nil, errors.New("the archive has no files")
	}
	return files, nil
}

func archivedName(name string) (string, error) {
	delimiter := "/"
	if strings.Contains(name, "\\") {
		delimiter = "\\"
	}
	first, rest, _ := strings.Cut(name, delimiter)
	rest = strings.ReplaceAll(rest, delimiter, "/")
	clean := path.Clean(rest)
	switch {
	case first == "Chart.yaml":
		return "", errors.New("the archive has Chart.yaml outside of a folder")
	case path.IsAbs(rest), rest == "", clean == ".", strings.HasPrefix(clean, ".."), len(clean) > 2 && clean[1] == ':' && clean[2] == '/':
		return "", fmt.Errorf("the archive has a file outside of its folder: %q", name)
	}
	return clean, nil
}
