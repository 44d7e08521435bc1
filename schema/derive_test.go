package schema

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judged returns the types of the clouds that the catalogue's rules are about.
func judged(t *testing.T) []string {
	t.Helper()
	on := regexp.MustCompile(`(?m)^on: \[(.*)\]`)
	var out []string
	pages, err := filepath.Glob("../rules/*/*.md")
	if err != nil || len(pages) < 100 {
		t.Fatalf("there are %d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if m := on.FindStringSubmatch(string(text)); m != nil {
			for typ := range strings.SplitSeq(m[1], ",") {
				typ = strings.TrimSpace(typ)
				if strings.HasPrefix(typ, "aws_") || strings.HasPrefix(typ, "azurerm_") || strings.HasPrefix(typ, "google_") {
					out = append(out, typ)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestPulumiHasWhatIsJudged holds that every type of the rules has a token, but for those that the providers gave up.
func TestPulumiHasWhatIsJudged(t *testing.T) {
	names := Load().Names("pulumi")
	gone := []string{"aws_db_security_group", "azurerm_data_lake_store", "azurerm_monitor_log_profile", "azurerm_mysql_server", "azurerm_sql_server", "google_tpu_v2_vm"}
	for _, typ := range judged(t) {
		natives := names.Natives(typ)
		if strings.Contains(typ, "*") || slices.Contains(gone, typ) != (len(natives) > 0) {
			continue
		}
		t.Errorf("%s has the tokens %q", typ, natives)
	}
}

func TestPulumiTypes(t *testing.T) {
	set := Load()
	names := set.Names("pulumi")
	for token, want := range map[string]string{
		"aws:s3:Bucket": "aws_s3_bucket", "aws:s3/bucket:Bucket": "aws_s3_bucket", "aws:s3/bucketV2:BucketV2": "aws_s3_bucket",
		"aws:ec2:Instance": "aws_instance", "aws:lb:LoadBalancer": "aws_lb", "aws:rds:SubnetGroup": "aws_db_subnet_group",
		"azure:storage:Account": "azurerm_storage_account", "azure:network:NetworkSecurityGroup": "azurerm_network_security_group",
		"gcp:storage:Bucket": "google_storage_bucket", "gcp:compute:Instance": "google_compute_instance", "gcp:sql:DatabaseInstance": "google_sql_database_instance",
		"aws-native:s3:Bucket": "", "azure-native:storage:StorageAccount": "", "aws": "", "": "", "aws:s3": "", "a:b:c:d": "",
	} {
		if got := names.Terraform(token); got != want {
			t.Errorf("%s is %q, want %q", token, got, want)
		}
	}
	for typ := range table(pulumi).all() {
		if made := names.Terraform(typ); set.Resource(made) == nil {
			t.Errorf("%s is %q, which the schema does not have", typ, made)
		}
	}
}

// TestPulumiWords has names as Pulumi's own packages have them.
func TestPulumiWords(t *testing.T) {
	set := Load()
	d := set.Names("pulumi").derivation
	for _, c := range []struct{ token, path, want string }{
		{"aws:s3:Bucket", "cors_rule", "corsRules"},
		{"aws:s3:Bucket", "server_side_encryption_configuration", "serverSideEncryptionConfiguration"},
		{"aws:ec2:SecurityGroup", "ingress", "ingress"},
		{"aws:ec2:SecurityGroup", "ingress.cidr_blocks", "cidrBlocks"},
		{"aws:lambda:Function", "function_name", "name"},
		{"aws:lambda:Function", "vpc_config.subnet_ids", "subnetIds"},
		{"aws:sns:TopicSubscription", "topic_arn", "topic"},
		{"aws:ec2:Instance", "ebs_block_device", "ebsBlockDevices"},
		{"aws:ec2:Instance", "metadata_options.http_tokens", "httpTokens"},
		{"aws:eks:Cluster", "vpc_config.public_access_cidrs", "publicAccessCidrs"},
		{"azure:storage:Account", "min_tls_version", "minTlsVersion"},
		{"gcp:compute:Firewall", "allow", "allows"},
		{"gcp:compute:Firewall", "source_ranges", "sourceRanges"},
		{"gcp:sql:DatabaseInstance", "settings.ip_configuration.authorized_networks", "authorizedNetworks"},
	} {
		a := set.Resource(d.terraform(c.token)).At(strings.Split(c.path, ".")...)
		if a == nil {
			t.Errorf("%s has no %s", c.token, c.path)
			continue
		}
		if got := d.words(c.token, c.path, a)[0]; got != c.want {
			t.Errorf("%s of %s is %s, want %s", c.path, c.token, got, c.want)
		}
	}
}

func TestPlural(t *testing.T) {
	got := map[string]string{}
	want := map[string]string{"rule": "rules", "policy": "policies", "key": "keys", "address": "addresses", "ingress": "ingresses", "alias": "aliases",
		"tags": "tags", "index": "indices", "metadata": "metadata", "box": "boxes", "status": "statuses", "": ""}
	for word := range want {
		got[word] = plural(word)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCrossplaneTypes(t *testing.T) {
	names := Load().Names("crossplane")
	got := map[string]string{}
	want := map[string]string{
		"s3.aws.upbound.io/Bucket": "aws_s3_bucket", "s3.aws.m.upbound.io/Bucket": "aws_s3_bucket",
		"s3.aws.upbound.io/BucketPublicAccessBlock": "aws_s3_bucket_public_access_block", "s3control.aws.upbound.io/AccountPublicAccessBlock": "aws_s3_account_public_access_block",
		"rds.aws.upbound.io/Instance": "aws_db_instance", "rds.aws.upbound.io/Cluster": "aws_rds_cluster", "rds.aws.upbound.io/SubnetGroup": "aws_db_subnet_group",
		"ec2.aws.upbound.io/VPC": "aws_vpc", "ec2.aws.upbound.io/SecurityGroupRule": "aws_security_group_rule", "ec2.aws.upbound.io/EBSVolume": "aws_ebs_volume",
		"ec2.aws.upbound.io/TransitGateway": "aws_ec2_transit_gateway", "elbv2.aws.upbound.io/LB": "aws_lb", "elb.aws.upbound.io/ELB": "aws_elb",
		"cloudwatchlogs.aws.upbound.io/Group": "aws_cloudwatch_log_group", "cloudtrail.aws.upbound.io/Trail": "aws_cloudtrail",
		"kafka.aws.upbound.io/Cluster": "aws_msk_cluster", "iam.aws.upbound.io/Role": "aws_iam_role", "apigateway.aws.upbound.io/Stage": "aws_api_gateway_stage",
		"lambda.aws.upbound.io/Function": "aws_lambda_function", "kms.aws.upbound.io/Key": "aws_kms_key", "eks.aws.upbound.io/Cluster": "aws_eks_cluster",
		"opensearch.aws.upbound.io/Domain": "aws_opensearch_domain", "autoscaling.aws.upbound.io/AutoscalingGroup": "aws_autoscaling_group",
		"storage.azure.upbound.io/Account": "azurerm_storage_account", "keyvault.azure.upbound.io/Vault": "azurerm_key_vault", "keyvault.azure.upbound.io/Key": "azurerm_key_vault_key",
		"sql.azure.upbound.io/MSSQLServer": "azurerm_mssql_server", "containerservice.azure.upbound.io/KubernetesCluster": "azurerm_kubernetes_cluster",
		"compute.azure.upbound.io/LinuxVirtualMachine": "azurerm_linux_virtual_machine", "network.azure.upbound.io/SecurityGroup": "azurerm_network_security_group",
		"dbforpostgresql.azure.upbound.io/FlexibleServer": "azurerm_postgresql_flexible_server", "containerregistry.azure.upbound.io/Registry": "azurerm_container_registry",
		"cosmosdb.azure.upbound.io/Account": "azurerm_cosmosdb_account", "web.azure.upbound.io/LinuxWebApp": "azurerm_linux_web_app",
		"storage.gcp.upbound.io/Bucket": "google_storage_bucket", "compute.gcp.upbound.io/Instance": "google_compute_instance", "container.gcp.upbound.io/Cluster": "google_container_cluster",
		"sql.gcp.upbound.io/DatabaseInstance": "google_sql_database_instance", "cloudplatform.gcp.upbound.io/ServiceAccount": "google_service_account",
		"cloudplatform.gcp.upbound.io/ProjectIAMMember": "google_project_iam_member", "kms.gcp.upbound.io/CryptoKey": "google_kms_crypto_key",
		"aws.upbound.io/ProviderConfig": "", "s3.aws.crossplane.io/Bucket": "", "s3.aws.upbound.io/Nothing": "", "apps/Deployment": "",
	}
	for typ := range want {
		group, kind, _ := strings.Cut(typ, "/")
		got[typ] = ""
		if native := CrossplaneType(group, kind, false); native != "" {
			got[typ] = names.Terraform(native)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDerivedDialectsAreShown holds that both ways of asking for native types know the derived dialects.
func TestDerivedDialectsAreShown(t *testing.T) {
	set := Load()
	for _, dialect := range []string{"pulumi", "crossplane"} {
		if !slices.Contains(NamedDialects(), dialect) {
			t.Errorf("%s is not among the dialects %q", dialect, NamedDialects())
		}
	}
	want := map[string][]string{
		"aws_kms_key": {"aws:kms:Key", "*.aws.upbound.io"}, "azurerm_storage_account": {"azure:storage:Account", "*.azure.upbound.io"},
		"google_storage_bucket": {"gcp:storage:Bucket", "*.gcp.upbound.io"}, "aws_nothing": nil, "kubernetes_pod": nil,
	}
	got, made := map[string][]string{}, map[string][]string{}
	for typ := range want {
		got[typ], made[typ] = nil, nil
	}
	for _, dialect := range []string{"pulumi", "crossplane"} {
		names := set.Names(dialect)
		for typ := range want {
			got[typ] = append(got[typ], names.Natives(typ)...)
		}
		for typ, natives := range names.Made() {
			if _, ok := want[typ]; ok {
				made[typ] = append(made[typ], natives...)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
}
