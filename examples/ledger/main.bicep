targetScope = 'resourceGroup'

@description('dev or prod')
param stage string = 'dev'
param location string = resourceGroup().location

@secure()
param adminPassword string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'ledger-${stage}'
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableSoftDelete: true
    accessPolicies: []
  }
}

module receipts 'modules/storage.bicep' = {
  name: 'receipts'
  params: {
    name: 'receipts${stage}'
    location: location
    publicAccess: true
  }
}

resource server 'Microsoft.Sql/servers@2021-11-01' = {
  name: 'ledger-sql-${stage}'
  location: location
  properties: {
    administratorLogin: 'ledger'
    administratorLoginPassword: adminPassword
    minimalTlsVersion: '1.0'
    publicNetworkAccess: 'Enabled'
  }

  resource everybody 'firewallRules' = {
    name: 'everybody'
    properties: {
      startIpAddress: '0.0.0.0'
      endIpAddress: '255.255.255.255'
    }
  }
}
