/** What it takes to serve the model, where the brief says how much it will be asked. */
import { hostFactor, operationalCarbon } from "../../carbon/index.ts";
import { type AnyEstimate, type DimensionOf, Estimate, formatNumber, InputError } from "../../core/index.ts";
import { rentalPrice } from "../../hardware/index.ts";
import { planService, type ServiceLayout, type ServicePlan, serviceLayout } from "../../inference/index.ts";
import type { Architecture } from "../../model/index.ts";
import { type Decision, Impossible } from "../decision.ts";
import type { Problem } from "../problem.ts";
import { figures } from "../tables.ts";
import { cluster } from "./cluster.ts";
import { model } from "./model.ts";
import { region } from "./region.ts";

export interface ServingChoice {
  readonly service: ServicePlan;
  /** Of a year of service, at the accelerators that the peak needs. */
  readonly energy: Estimate<DimensionOf<"kWh">>;
  readonly carbon: Estimate<DimensionOf<"kgCO2e">>;
  readonly cost: Estimate<DimensionOf<"USD">>;
}

/** The layout with the fewest accelerators follows from the model, so there is one option, or none that is possible. */
type ServingOption = ServiceLayout | Impossible;

export const serving: Decision<ServingOption, ServingChoice> = {
  id: "serving",
  title: "Serving",
  question: "On how many accelerators to serve, and laid out how?",

  beside: true,

  options(problem, upstream) {
    const { architecture } = upstream.get(model);
    return [problem.once(architecture, "serving layout", () => layoutFor(problem, architecture))];
  },

  evaluate(layout, problem, upstream) {
    if (layout instanceof Impossible) return layout;
    const { architecture } = upstream.get(model);
    const { sampler, brief } = problem;
    const service = problem.once(architecture, "service", () => {
      const { accelerator, request } = requestOf(problem);
      return planService(sampler, { architecture, accelerator }, request, layout);
    });
    const { pue, grid } = upstream.get(region);
    const year = Estimate.exact(1, "year");
    const { request } = requestOf(problem);
    const tokens = Estimate.exact(request.requestsPerDay * request.outputTokens * 365.25, "token");
    const energy = service.energyPerToken.times(tokens).times(hostFactor(sampler)).times(pue);
    const price =
      brief.cluster?.price === undefined
        ? rentalPrice(sampler, service.deployment.accelerator)
        : upstream.get(cluster).price;
    return {
      service,
      energy,
      carbon: operationalCarbon(energy, grid.intensity),
      cost: service.accelerators.times(price).times(year),
    };
  },

  label: (layout) =>
    layout instanceof Impossible
      ? "no layout"
      : `replicas of ${layout.tensorParallel}, ${layout.batch} sequences at a time`,

  explain({ service, energy, carbon, cost }, problem) {
    const { request } = requestOf(problem);
    const { deployment, batch } = service;
    const shown: Record<string, AnyEstimate> = {
      "accelerators at the peak": service.accelerators,
      "mean time to first token": service.timeToFirstToken,
      "time per output token": service.timePerOutputToken,
      utilisation: service.utilisation.shownIn("%"),
      "energy of an output token": service.energyPerToken,
      "energy of a year": energy,
      "operational carbon of a year": carbon,
      "cost of a year": cost,
    };
    return {
      why: `${formatNumber(request.requestsPerDay)} requests a day of ${request.promptTokens} tokens, answered with ${request.outputTokens}: replicas of ${deployment.tensorParallel} x ${deployment.accelerator.name} in ${deployment.weights}, up to ${batch} sequences at a time, is the layout with the fewest accelerators whose first token comes within ${request.firstTokenSeconds} s on average at the peak.`,
      figures: shown,
    };
  },
};

function layoutFor(problem: Problem, architecture: Architecture): ServingOption {
  const { accelerator, request } = requestOf(problem);
  try {
    return serviceLayout({ architecture, accelerator }, request);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const [mistake] = error.problems;
    return new Impossible(
      `${mistake!.found}, where there must be ${mistake!.expected}`,
      problem.brief.serving?.first_token === undefined ? ["serving"] : ["serving", "first_token"],
      mistake!.remedy ?? "relax what is asked of serving",
    );
  }
}

/** What the brief asks to be served, with defaults for what it leaves out. */
function requestOf({ brief, open }: Problem) {
  const asked = brief.serving!;
  const orDefault = (value: number | undefined, figure: string) =>
    value ?? figures("brief-defaults").get("serving", figure).value;
  return {
    accelerator: open.serves,
    request: {
      requestsPerDay: asked.requests_per_day,
      promptTokens: orDefault(asked.prompt, "prompt"),
      outputTokens: orDefault(asked.output, "output"),
      firstTokenSeconds: orDefault(asked.first_token, "first token"),
    },
  };
}
