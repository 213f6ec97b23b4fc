export { Deployment, type DeploymentOptions, WEIGHT_FORMATS, type WeightFormat } from "./deployment.ts";
export { planService, type Service, type ServicePlan } from "./service.ts";
