package source

import (
	"encoding/binary"
	"unicode/utf16"
)

// wide returns the byte order of text in UTF-16, as PowerShell writes it, and where the text begins: behind its byte order
// mark, or at the start when every other of the first bytes is NUL, as it is where the text begins in ASCII. It returns nil
// for everything else.
func wide(b []byte) (order binary.ByteOrder, start int) {
	if len(b) < 2 {
		return nil, 0
	}
	switch {
	case b[0] == 0xff && b[1] == 0xfe:
		return binary.LittleEndian, 2
	case b[0] == 0xfe && b[1] == 0xff:
		return binary.BigEndian, 2
	case len(b) < 4:
		return nil, 0
	case b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0:
		return binary.LittleEndian, 0
	case b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0:
		return binary.BigEndian, 0
	}
	return nil, 0
}

// narrow returns text in UTF-16 as UTF-8, and everything else as it is. A last half unit is left out.
func narrow(b []byte) []byte {
	order, start := wide(b)
	if order == nil {
		return b
	}
	units := make([]uint16, 0, len(b)/2)
	for i := start; i+1 < len(b); i += 2 {
		units = append(units, order.Uint16(b[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}
