package cloudformation

type framework struct{}
