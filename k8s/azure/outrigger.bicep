// Outrigger on AKS as a cluster extension, the way the Dapr extension is installed. The extension type has to be
// registered with Azure first; until then use flux.bicep. Neither has been deployed: docs/targets/kubernetes.md.

@description('Name of the AKS cluster, in this resource group.')
param clusterName string

@description('Name of the extension in the cluster.')
param extensionName string = 'outrigger'

@description('Extension type, as it was registered by whoever publishes the chart.')
param extensionType string

@allowed(['stable', 'dev'])
@description('stable, or dev for early releases. Also the chart\'s channel, which chooses the image.')
param releaseTrain string = 'stable'

@description('Version MAJOR.MINOR.PATCH; empty means the newest of the release train.')
param version string = ''

@description('Take new minor versions by itself. Without a version Azure does so in any case.')
param autoUpgradeMinorVersion bool = false

@description('Namespace of the control plane; it is made when it is not there.')
param releaseNamespace string = 'outrigger-system'

@description('Values of the chart by their path, such as { \'secrets.namespaces[0]\': \'shop\' }.')
param configurationSettings object = {}

@secure()
@description('Values that are not shown again.')
param configurationProtectedSettings object = {}

var settings = union({ channel: releaseTrain }, configurationSettings)
var chosen = empty(version) ? {} : { version: version }

resource cluster 'Microsoft.ContainerService/managedClusters@2024-02-01' existing = {
  name: clusterName
}

resource outrigger 'Microsoft.KubernetesConfiguration/extensions@2023-05-01' = {
  name: extensionName
  scope: cluster
  identity: {
    type: 'SystemAssigned'
  }
  properties: union(
    {
      extensionType: extensionType
      releaseTrain: releaseTrain
      autoUpgradeMinorVersion: empty(version) || autoUpgradeMinorVersion
      scope: {
        cluster: {
          releaseNamespace: releaseNamespace
        }
      }
      configurationSettings: settings
      configurationProtectedSettings: configurationProtectedSettings
    },
    chosen
  )
}

output provisioningState string = outrigger.properties.provisioningState
