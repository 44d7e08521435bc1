package azure

import (
	"fmt"
	"strings"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// armSuite is what dialecttest knows of JSON templates.
func armSuite() dialecttest.Suite {
	return dialecttest.Suite{
		New:      func(s *schema.Set) dialect.Dialect { return New(s) },
		Suppress: inMetadata,
		Samples:  []dialecttest.Sample{sampleStorage, sampleVariants, sampleSymbolic, sampleNested},
	}
}

// inMetadata writes a directive as the metadata of a resource, and above what has none.
func inMetadata(f *source.File, r *resource.Resource, directive string) []source.Edit {
	at := source.Range{File: f.Path, Start: r.Range.Start, End: r.Range.Start}
	if r.Type == "variable" || r.Type == "output" {
		return []source.Edit{{Range: at, Text: "// " + directive + "\n"}}
	}
	brace := strings.IndexByte(f.Text(r.Range), '{') + 1
	at.Start += brace
	at.End = at.Start
	return []source.Edit{{Range: at, Text: fmt.Sprintf(` "metadata": {"plumbline": {"ignore": [%q]}},`, strings.TrimPrefix(directive, "plumbline:ignore "))}}
}

var sampleStorage = dialecttest.Sample{
	Name: "storage",
	Files: map[string]string{"azuredeploy.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  // comments are fine
  "parameters": {
    "accountName": {
      "type": "string"
    },
    "tls": {
      "type": "string",
      "defaultValue": "TLS1_0",
      "allowedValues": ["TLS1_0", "TLS1_2"]
    },
    "shared": { "type": "bool", "defaultValue": true }
  },
  "variables": {
    "acls": { "bypass": "AzureServices", "defaultAction": "Allow" }
  },
  "resources": [
    {
      "type": "Microsoft.Storage/storageAccounts",
      "apiVersion": "2023-01-01",
      "name": "[parameters('accountName')]",
      "location": "[resourceGroup().location]",
      "sku": { "name": "Standard_LRS" }, /* beside */
      "kind": "StorageV2",
      "properties": {
        "minimumTlsVersion": "[parameters('tls')]",
        "allowBlobPublicAccess": true,
        "allowSharedKeyAccess": "[parameters('shared')]",
        "isSftpEnabled": "[parameters('shared')]",
        "networkAcls": "[variables('acls')]"
      },
      "resources": [
        {
          "type": "blobServices/containers",
          "apiVersion": "2023-01-01",
          "name": "default/logs",
          "properties": { "publicAccess": "Blob" }
        }
      ]
    }
  ],
  "outputs": {
    "key": { "type": "string", "value": "[listKeys(resourceId('Microsoft.Storage/storageAccounts', parameters('accountName')), '2023-01-01').keys[0].value]" }
  }
}
`},
	Addresses: []string{
		"Microsoft.Storage/storageAccounts/blobServices/containers/{accountName}/default/logs",
		"Microsoft.Storage/storageAccounts/{accountName}",
		"output.key", "param.accountName", "param.shared", "param.tls",
	},
	Values: []dialecttest.Value{
		{Address: "Microsoft.Storage/storageAccounts/{accountName}", Path: "min_tls_version", Show: `"TLS1_0"`, At: `"minimumTlsVersion": "[parameters('tls')]"`},
		{Address: "Microsoft.Storage/storageAccounts/{accountName}", Path: "allow_nested_items_to_be_public", Show: "true", At: `"allowBlobPublicAccess": true`},
		{Address: "Microsoft.Storage/storageAccounts/{accountName}", Path: "network_rules", Show: `{"bypass": ["AzureServices"], "default_action": "Allow"}`, At: `"networkAcls": "[variables('acls')]"`},
		{Address: "Microsoft.Storage/storageAccounts/{accountName}", Path: "name", Wait: "parameters.accountName", At: `"name": "[parameters('accountName')]"`},
		{Address: "Microsoft.Storage/storageAccounts/{accountName}", Path: "location", Wait: "resourceGroup().location", At: `"location": "[resourceGroup().location]"`},
	},
	Wishes: []dialecttest.Wish{
		{
			Name: "a literal", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("allow_nested_items_to_be_public", boolean(false))},
			Want:    nil,
		},
		{
			Name: "the default of a parameter", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("min_tls_version", text("TLS1_2"))},
		},
		{
			Name: "a parameter that others use", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("shared_access_key_enabled", boolean(false))},
		},
		{
			Name: "a member of a variable", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("network_rules.default_action", text("Deny"))},
		},
		{
			Name: "something new", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("infrastructure_encryption_enabled", boolean(true))},
		},
		{
			Name: "nested", Address: "Microsoft.Storage/storageAccounts/blobServices/containers/{accountName}/default/logs",
			Changes: []resource.Change{armSet("container_access_type", text("private"))},
		},
		{
			Name: "what is so", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("allow_nested_items_to_be_public", boolean(true))},
		},
		{
			Name: "gone", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{{Op: resource.Remove, Path: armPath("sftp_enabled")}},
		},
		{
			Name: "the name", Address: "Microsoft.Storage/storageAccounts/{accountName}",
			Changes: []resource.Change{armSet("name", text("other"))}, Refused: true,
		},
	},
}

func armSet(p string, v value.Value) resource.Change {
	return resource.Change{Op: resource.Set, Path: armPath(p), Value: v}
}

func armPath(s string) value.Path {
	p, ok := value.ParsePath(s)
	if !ok {
		panic(s)
	}
	return p
}

var sampleVariants = dialecttest.Sample{
	Name: "variants",
	Files: map[string]string{
		"vault/vault.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "purge": { "type": "bool" },
    "names": { "type": "array", "defaultValue": ["a", "b"] },
    "admin": { "type": "securestring" }
  },
  "resources": [
    {
      "copy": { "name": "vaults", "count": "[length(parameters('names'))]" },
      "type": "Microsoft.KeyVault/vaults",
      "apiVersion": "2023-07-01",
      "name": "[concat('kv-', parameters('names')[copyIndex()])]",
      "location": "westeurope",
      "properties": {
        "enablePurgeProtection": "[parameters('purge')]",
        "copy": [
          { "name": "accessPolicies", "count": 2, "input": { "objectId": "[concat('o', copyIndex('accessPolicies', 1))]" } }
        ]
      }
    }
  ]
}
`,
		"vault/vault.parameters.dev.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "purge": { "value": false },
    "admin": { "reference": { "keyVault": { "id": "/subscriptions/x" }, "secretName": "admin" } }
  }
}
`,
		"vault/vault.parameters.prod.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "purge": { "value": true },
    "names": { "value": ["z"] }
  }
}
`,
	},
	Addresses: []string{
		"dev: Microsoft.KeyVault/vaults/kv-{names}[0]", "dev: Microsoft.KeyVault/vaults/kv-{names}[1]", "dev: param.admin", "dev: param.names", "dev: param.purge",
		"prod: Microsoft.KeyVault/vaults/kv-{names}[0]", "prod: param.admin", "prod: param.names", "prod: param.purge",
	},
	Values: []dialecttest.Value{
		{Address: "dev: Microsoft.KeyVault/vaults/kv-{names}[1]", Path: "name", Show: `"kv-b"`, At: `"name": "[concat('kv-', parameters('names')[copyIndex()])]"`},
		{Address: "dev: Microsoft.KeyVault/vaults/kv-{names}[0]", Path: "purge_protection_enabled", Show: "false", At: `"enablePurgeProtection": "[parameters('purge')]"`},
		{Address: "prod: Microsoft.KeyVault/vaults/kv-{names}[0]", Path: "purge_protection_enabled", Show: "true", At: `"enablePurgeProtection": "[parameters('purge')]"`},
	},
	Wishes: []dialecttest.Wish{
		{
			Name: "where a file of parameters says it", Address: "dev: Microsoft.KeyVault/vaults/kv-{names}[0]",
			Changes: []resource.Change{armSet("purge_protection_enabled", boolean(true))},
			Shared:  []string{"Microsoft.KeyVault/vaults/kv-{names}[1]"},
		},
	},
}

var sampleSymbolic = dialecttest.Sample{
	Name: "symbolic",
	Files: map[string]string{"main.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "languageVersion": "2.0",
  "contentVersion": "1.0.0.0",
  "definitions": { "level": { "type": "string", "nullable": true } },
  "parameters": {
    "level": { "$ref": "#/definitions/level" },
    "open": { "type": "bool" }
  },
  "resources": {
    "net": {
      "existing": true,
      "type": "Microsoft.Network/virtualNetworks",
      "apiVersion": "2023-04-01",
      "name": "net"
    },
    "nsg": {
      "condition": "[parameters('open')]",
      "type": "Microsoft.Network/networkSecurityGroups",
      "apiVersion": "2023-04-01",
      "name": "[toLower('NSG')]",
      "location": "[reference('net', '2023-04-01', 'full').location]",
      "properties": {
        "securityRules": [
          {
            "name": "[coalesce(parameters('level'), 'ssh')]",
            "properties": { "access": "Allow", "direction": "Inbound", "protocol": "Tcp", "sourceAddressPrefix": "*", "destinationPortRange": "22" }
          }
        ]
      }
    }
  }
}
`},
	Addresses: []string{"nsg", "param.level", "param.open"},
	Values: []dialecttest.Value{
		{Address: "nsg", Path: "name", Show: `"nsg"`, At: `"name": "[toLower('NSG')]"`},
		{Address: "nsg", Path: "security_rule[0].name", Show: `"ssh"`, At: `"name": "[coalesce(parameters('level'), 'ssh')]"`},
		{Address: "nsg", Path: "location", Wait: "net.location", At: `"location": "[reference('net', '2023-04-01', 'full').location]"`},
	},
	Wishes: []dialecttest.Wish{{
		Name: "an element", Address: "nsg",
		Changes: []resource.Change{armSet("security_rule[0].source_address_prefix", text("10.0.0.0/8"))},
	}},
}

var sampleNested = dialecttest.Sample{
	Name: "nested",
	Files: map[string]string{
		"main.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "variables": { "name": "stinner" },
  "resources": [
    {
      "type": "Microsoft.Resources/deployments",
      "apiVersion": "2021-04-01",
      "name": "inline",
      "properties": {
        "mode": "Incremental",
        "expressionEvaluationOptions": { "scope": "inner" },
        "parameters": { "https": { "value": false } },
        "template": {
          "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
          "contentVersion": "1.0.0.0",
          "parameters": { "https": { "type": "bool", "defaultValue": true } },
          "variables": { "name": "stdeep" },
          "resources": [
            {
              "type": "Microsoft.Storage/storageAccounts",
              "apiVersion": "2023-01-01",
              "name": "[variables('name')]",
              "properties": { "supportsHttpsTrafficOnly": "[parameters('https')]" }
            }
          ],
          "outputs": { "name": { "type": "string", "value": "[variables('name')]" } }
        }
      }
    },
    {
      "type": "Microsoft.Resources/deployments",
      "apiVersion": "2021-04-01",
      "name": "beside",
      "properties": {
        "mode": "Incremental",
        "templateLink": { "relativePath": "parts/account.json" },
        "parameters": { "name": { "value": "[reference('inline').outputs.name.value]" } }
      }
    }
  ]
}
`,
		"parts/account.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": { "name": { "type": "string" } },
  "resources": [
    {
      "type": "Microsoft.Storage/storageAccounts",
      "apiVersion": "2023-01-01",
      "name": "[concat(parameters('name'), '2')]",
      "properties": { "minimumTlsVersion": "TLS1_0" }
    }
  ]
}
`,
	},
	Addresses: []string{
		"module.beside.Microsoft.Storage/storageAccounts/{name}2", "module.beside.param.name",
		"module.inline.Microsoft.Storage/storageAccounts/stdeep", "module.inline.output.name", "module.inline.param.https",
	},
	Values: []dialecttest.Value{
		{Address: "module.beside.Microsoft.Storage/storageAccounts/{name}2", Path: "name", Show: `"stdeep2"`, At: `"name": "[concat(parameters('name'), '2')]"`},
		{Address: "module.inline.Microsoft.Storage/storageAccounts/stdeep", Path: "https_traffic_only_enabled", Show: "false", At: `"supportsHttpsTrafficOnly": "[parameters('https')]"`},
	},
	Wishes: []dialecttest.Wish{
		{
			Name: "an argument", Address: "module.inline.Microsoft.Storage/storageAccounts/stdeep",
			Changes: []resource.Change{armSet("https_traffic_only_enabled", boolean(true))},
		},
		{
			Name: "in the linked file", Address: "module.beside.Microsoft.Storage/storageAccounts/{name}2",
			Changes: []resource.Change{armSet("min_tls_version", text("TLS1_2"))},
		},
	},
}

func TestARMConformance(t *testing.T) { dialecttest.Run(t, armSuite()) }

func FuzzARMEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, armSuite()) }

func FuzzARMEdit(f *testing.F) { dialecttest.FuzzEdit(f, armSuite()) }
