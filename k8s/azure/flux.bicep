// Outrigger on AKS by Flux, for as long as no extension type is registered: the extension microsoft.flux, and a
// configuration that lets it install the chart of this repository as a HelmRelease (flux/release.yaml).
// It has not been deployed: docs/targets/kubernetes.md.

@description('Name of the AKS cluster, in this resource group.')
param clusterName string

@description('Git repository with k8s/chart and k8s/azure/flux, by https.')
param repositoryUrl string

@allowed(['stable', 'dev'])
@description('stable, or dev for early releases.')
param releaseTrain string = 'stable'

@description('Version MAJOR.MINOR.PATCH, of the tag v<version>; empty means the newest as autoUpgradeMinorVersion allows.')
param version string = ''

@description('Without a version: take new minor versions, and not only fixes of this one.')
param autoUpgradeMinorVersion bool = false

@description('The minor version that fixes are taken of, when autoUpgradeMinorVersion is false and version is empty.')
param minorVersion string = '0.1'

@description('Namespace of the control plane.')
param releaseNamespace string = 'outrigger-system'

@description('Registry that holds the image, with its path.')
param imageRegistry string = ''

@description('Namespaces in which the runtime may read Secrets.')
param secretNamespaces array = []

var range = autoUpgradeMinorVersion ? '>=${minorVersion}.0 <1.0.0' : '~${minorVersion}.0'
var reference = releaseTrain == 'dev'
  ? { branch: 'main' }
  : (empty(version) ? { semver: range } : { tag: 'v${version}' })

resource cluster 'Microsoft.ContainerService/managedClusters@2024-02-01' existing = {
  name: clusterName
}

resource flux 'Microsoft.KubernetesConfiguration/extensions@2023-05-01' = {
  name: 'flux'
  scope: cluster
  properties: {
    extensionType: 'microsoft.flux'
    autoUpgradeMinorVersion: true
    scope: {
      cluster: {
        releaseNamespace: 'flux-system'
      }
    }
    configurationSettings: {
      'helm-controller.enabled': 'true'
      'source-controller.enabled': 'true'
      'kustomize-controller.enabled': 'true'
    }
  }
}

resource outrigger 'Microsoft.KubernetesConfiguration/fluxConfigurations@2023-05-01' = {
  name: 'outrigger'
  scope: cluster
  dependsOn: [flux]
  properties: {
    scope: 'cluster'
    // Sources and releases of one namespace only may refer to each other on AKS.
    namespace: releaseNamespace
    sourceKind: 'GitRepository'
    gitRepository: {
      url: repositoryUrl
      repositoryRef: reference
      syncIntervalInSeconds: 600
    }
    kustomizations: {
      release: {
        path: './k8s/azure/flux'
        prune: true
        wait: true
        syncIntervalInSeconds: 600
        postBuild: {
          substitute: {
            release_namespace: releaseNamespace
            channel: releaseTrain
            image_registry: imageRegistry
            // A list, as JSON is YAML.
            secret_namespaces: string(secretNamespaces)
          }
        }
      }
    }
  }
}
