"""Deep Q-learning (Mnih and others, 2015) on a game written here: catch a falling ball with a paddle.

Try `python dqn.py --episodes 400`.
"""

import argparse
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

Transition = namedtuple("Transition", "state action reward next_state done")


class Catch:
    """A ball falls from a random column, drifting sideways; the paddle goes left, stays or goes right.

    The state is (ball's column, ball's row, drift, paddle's column); the reward at the end is 1 for a catch, else -1.
    """

    actions = 3

    def __init__(self, size, seed):
        self.size, self.draw = size, random.Random(seed)

    def reset(self):
        self.column, self.row = self.draw.randrange(self.size), 0
        self.drift, self.paddle = self.draw.choice([-1, 0, 1]), self.size // 2
        return self.state()

    def state(self):
        end = self.size - 1
        return [2 * self.column / end - 1, 2 * self.row / end - 1, float(self.drift), 2 * self.paddle / end - 1]

    def step(self, action):
        """The next state, the reward, and whether the game is over."""
        self.paddle = min(max(self.paddle + action - 1, 0), self.size - 1)
        if not 0 <= self.column + self.drift < self.size:
            self.drift = -self.drift
        self.column, self.row = self.column + self.drift, self.row + 1
        done = self.row == self.size - 1
        reward = 0.0 if not done else 1.0 if self.column == self.paddle else -1.0
        return self.state(), reward, done


class DQN(nn.Module):
    """A state in, the value of each action out."""

    def __init__(self, actions, hidden):
        super().__init__()
        self.layer1 = nn.Linear(4, hidden)
        self.layer2 = nn.Linear(hidden, hidden)
        self.layer3 = nn.Linear(hidden, actions)

    def forward(self, x):
        x = F.relu(self.layer1(x))
        x = F.relu(self.layer2(x))
        return self.layer3(x)


def choose(policy, state, explore, draw, device):
    """The action of the highest value, or, with the chance `explore`, any action."""
    if draw.random() < explore:
        return draw.randrange(Catch.actions)
    with torch.no_grad():
        return policy(torch.tensor([state], device=device)).argmax(dim=1).item()


def learn(policy, target, optimizer, batch, discount, device):
    """One step on a batch of transitions; returns the loss."""
    batch = Transition(*zip(*batch))
    state, next_state = (torch.tensor(states, device=device) for states in (batch.state, batch.next_state))
    action = torch.tensor(batch.action, device=device).unsqueeze(1)
    reward = torch.tensor(batch.reward, device=device)
    alive = 1.0 - torch.tensor(batch.done, device=device).to(reward.dtype)

    value = policy(state).gather(1, action).squeeze(1)
    with torch.no_grad():
        expected = reward + discount * alive * target(next_state).max(dim=1).values
    loss = F.smooth_l1_loss(value, expected)

    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def follow(target, policy, tau):
    """Move the target network a little towards the policy network."""
    ours, theirs = target.state_dict(), policy.state_dict()
    for name in ours:
        ours[name] = tau * theirs[name] + (1 - tau) * ours[name]
    target.load_state_dict(ours)


def main():
    parser = argparse.ArgumentParser(description="Deep Q-learning")
    parser.add_argument("--episodes", type=int, default=400)
    parser.add_argument("--report", type=int, default=50, help="episodes between two lines of output")
    parser.add_argument("--size", type=int, default=8, help="rows and columns of the game")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--memory", type=int, default=5000, help="transitions to remember")
    parser.add_argument("--discount", type=float, default=0.9)
    parser.add_argument("--tau", type=float, default=0.02, help="how fast the target network follows")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--double", action="store_true", help="compute in double precision")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    if args.double:
        torch.set_default_dtype(torch.float64)
    draw = random.Random(args.seed)
    device = torch.device(args.device)
    game = Catch(args.size, args.seed)
    policy = DQN(Catch.actions, args.hidden).to(device)
    target = DQN(Catch.actions, args.hidden).to(device)
    target.load_state_dict(policy.state_dict())
    optimizer = optim.RMSprop(policy.parameters(), lr=args.lr)
    memory = deque(maxlen=args.memory)

    caught, losses = 0, []
    for episode in range(1, args.episodes + 1):
        explore = max(0.05, 1.0 - 1.5 * episode / args.episodes)
        state, done = game.reset(), False
        while not done:
            action = choose(policy, state, explore, draw, device)
            next_state, reward, done = game.step(action)
            memory.append(Transition(state, action, reward, next_state, done))
            state = next_state
            if len(memory) >= args.batch_size:
                losses.append(
                    learn(policy, target, optimizer, draw.sample(memory, args.batch_size), args.discount, device)
                )
                follow(target, policy, args.tau)
        caught += reward > 0
        if episode % args.report == 0:
            mean = sum(losses) / len(losses)
            print(f"episode {episode}  loss {mean:.5f}  caught {caught / args.report:.2f}  explore {explore:.2f}")
            caught, losses = 0, []

    caught = 0
    for _ in range(100):
        state, done = game.reset(), False
        while not done:
            state, reward, done = game.step(choose(policy, state, 0.0, draw, device))
        caught += reward > 0
    print(f"without exploring it catches {caught} of 100")


if __name__ == "__main__":
    main()
