export { Deployment, type DeploymentOptions, WEIGHT_FORMATS, type WeightFormat } from "./deployment.ts";
export { planService, type Service, type ServiceLayout, type ServicePlan, serviceLayout } from "./service.ts";
