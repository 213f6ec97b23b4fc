/**
 * Monte-Carlo tree search with UCT and no roll-outs (AIRA section 3.2): a trial's value is its own metric, backed up
 * along the path to the root. One `propose` is one step of: go down by UCT to a leaf, give it `children` children,
 * debug each that fails until it is mended or given up.
 *
 *   UCT(child) = norm(W/N) + c sqrt(ln N(parent) / N(child)),   norm over all metrics seen, 1/2 where all are equal
 *
 * A child that was never mended has N = 0 and is not gone down to. Where no child of a node was, the node is expanded
 * again (a choice of ours; the published code improves a broken leaf there).
 */
import type { History, Trial, View } from "../history.ts";
import { type Goal, isFeasible, lossesOf, onlyObjective } from "../objectives.ts";
import type { Policy } from "../policy.ts";
import { type Debugging, debugDepth } from "./debugging.ts";

export interface MctsOptions extends Debugging {
  /** The weight of exploration. Default 0.25. */
  readonly exploration?: number | undefined;
  /** Children that a leaf is given when it is expanded. Default 5. */
  readonly children?: number | undefined;
}

interface Node {
  visits: number;
  /** Sum of the values backed up, a value being the negative loss. */
  total: number;
  /** All trials made from this one, improvements and repairs. */
  readonly children: number[];
  /** Improvements (or drafts, at the root) asked for. */
  expansions: number;
}

interface Tree {
  readonly root: Node;
  readonly nodes: Node[];
  /** The node that is being expanded: -1 the root, undefined none. */
  expanding: number | undefined;
  /** Failed trials that wait to be debugged, oldest first, from `nextBroken` on. */
  readonly broken: number[];
  nextBroken: number;
  lowest: number;
  highest: number;
}

export function mctsPolicy(
  goal: Goal,
  { exploration = 0.25, children = 5, maxDebugDepth = 0 }: MctsOptions = {},
): Policy {
  onlyObjective(goal, "mcts");
  const view = treeView(goal, children, maxDebugDepth);
  return {
    propose(history) {
      const tree = history.view(view);
      const broken = tree.broken[tree.nextBroken];
      if (broken !== undefined) return { operator: "debug", parents: [broken] };
      const target = tree.expanding ?? descend(tree, history, exploration, children);
      if (target === "wait") return "wait";
      return target < 0 ? { operator: "draft", parents: [] } : { operator: "improve", parents: [target] };
    },
  };
}

/** The leaf that UCT leads to, or `wait` where its children are all under way. */
function descend(tree: Tree, history: History, exploration: number, children: number): number | "wait" {
  let at = -1;
  for (let node = tree.root; ; node = tree.nodes[at]!) {
    if (node.children.length === 0) return at;
    let best: number | undefined;
    let bestScore = -Infinity;
    for (const id of node.children) {
      const child = tree.nodes[id]!;
      if (child.visits === 0) continue;
      const range = tree.highest - tree.lowest;
      const value = range === 0 ? 0.5 : (child.total / child.visits - tree.lowest) / range;
      const score = value + exploration * Math.sqrt(Math.log(node.visits) / child.visits);
      if (score > bestScore) {
        best = id;
        bestScore = score;
      }
    }
    if (best === undefined) {
      // Nothing below is any good yet: wait for what is under way, then try the same node again.
      const pending = node.children.some((id) => underWay(history, tree, id));
      if (pending && node.expansions % children === 0) return "wait";
      return at;
    }
    at = best;
  }
}

/** Whether a trial, or a repair of it, is not settled yet. */
function underWay(history: History, tree: Tree, id: number): boolean {
  const { state } = history.trial(id);
  if (state === "complete") return false;
  return state !== "failed" || tree.nodes[id]!.children.some((child) => underWay(history, tree, child));
}

function treeView(goal: Goal, children: number, maxDebugDepth: number): View<Tree> {
  const nodeOf = (tree: Tree, id: number | undefined): Node =>
    id === undefined ? tree.root : tree.nodes[id]!;
  return {
    create: () => ({
      root: { visits: 0, total: 0, children: [], expansions: 0 },
      nodes: [],
      expanding: undefined,
      broken: [],
      nextBroken: 0,
      lowest: Infinity,
      highest: -Infinity,
    }),
    asked(tree, { id, operator, parents }) {
      tree.nodes[id] = { visits: 0, total: 0, children: [], expansions: 0 };
      const parent = nodeOf(tree, parents[0]);
      parent.children.push(id);
      if (operator === "debug") {
        if (tree.broken[tree.nextBroken] === parents[0]) tree.nextBroken++;
        return;
      }
      parent.expansions++;
      tree.expanding = parent.expansions % children === 0 ? undefined : (parents[0] ?? -1);
    },
    told(tree, trial, history) {
      if (trial.state === "failed") {
        if (debugDepth(history, trial) < maxDebugDepth) tree.broken.push(trial.id);
        return;
      }
      // An infeasible trial is an answer, so it is not debugged, but it is worth nothing: its branch is not gone down.
      if (!isFeasible(goal, trial.metrics!)) return;
      const value = -lossesOf(goal, trial.metrics!)[0]!;
      tree.lowest = Math.min(tree.lowest, value);
      tree.highest = Math.max(tree.highest, value);
      let at: Trial | undefined = trial;
      while (at) {
        const node = tree.nodes[at.id]!;
        node.visits++;
        node.total += value;
        at = at.parents[0] === undefined ? undefined : history.trial(at.parents[0]);
      }
      tree.root.visits++;
      tree.root.total += value;
    },
  };
}
