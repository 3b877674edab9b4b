# The modules, with Mastercard's generic REST provider.

terraform {
  required_providers {
    restapi = { source = "Mastercard/restapi" }
  }
}

variable "token" {
  type      = string
  sensitive = true
}

variable "url" {
  type = string
}

provider "restapi" {
  uri                  = var.url
  bearer_token         = var.token
  id_attribute         = "key"
  write_returns_object = true
}

resource "restapi_object" "module" {
  for_each = { for module in jsondecode(file("modules.json")) : module.name => module }

  path                    = "/forge/installation/v2/dynamic/module"
  data                    = jsonencode({ type = each.value.type, data = each.value.data })
  ignore_server_additions = true
}
