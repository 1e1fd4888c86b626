"""The network behind the drawing page: its weights from a file, one digit in, ten numbers out."""

from dataclasses import dataclass
from pathlib import Path

import torch

from mnist_course import data, drawing, export, runtime
from mnist_course.checkpoints import CheckpointError, load_checkpoint
from mnist_course.names import Network
from mnist_course.recipes import NETWORKS


@dataclass(frozen=True)
class Reader:
    """A trained network that reads one digit at a time."""

    network: torch.nn.Module
    normalisation: tuple[float, float]  # mean and deviation of the images it was trained on
    description: dict  # of the network, for the forward pass in the page
    weights: bytes  # into which the description points

    @classmethod
    def of(cls, network, normalisation=data.NORMALISATION):
        """A reader of a network in memory. Raises DescriptionError for what no page computes."""
        description, weights = export.describe(network.eval(), normalisation=normalisation)
        return cls(network, tuple(normalisation), description, weights)

    @classmethod
    def shipped(cls):
        """A reader with the weights that come with the course."""
        network, recipe = drawing.board_network()
        return cls.of(network, recipe.normalisation)

    @classmethod
    def from_file(cls, path, name=Network.RESIDUAL):
        """A reader with the weights of a safetensors file, for the course's network `name`.

        Raises CheckpointError for a file that is missing, broken, of another kind or another
        network's. No pickle is opened, because loading one can run code.
        """
        path = Path(path)
        if path.suffix != ".safetensors":
            raise CheckpointError(
                f"{path.name} is no .safetensors file. The drawing page opens no other, because "
                f"other kinds can run code. Save your network so: {runtime.command('train')} "
                f"{name} --save my-network.safetensors"
            )
        if not path.is_file():
            raise CheckpointError(f"there is no file {path}: look for a mistake in its name")
        network = NETWORKS[name][0]()
        recipe, _ = load_checkpoint(path, network)
        if not all(values.isfinite().all() for values in network.state_dict().values()):
            raise CheckpointError(
                f"{path.name} holds weights that are no numbers: that training had diverged"
            )
        normalisation = recipe.normalisation if recipe else data.NORMALISATION
        return cls.of(network, normalisation)

    def probabilities(self, image):
        """What the network says of a digit: uint8 (28, 28) to ten floats whose sum is 1."""
        pixels = torch.tensor(image, dtype=torch.uint8)[None]
        with torch.inference_mode():
            images = data.normalise(data.scale(pixels), *self.normalisation)
            logits = self.network(images)[0]
        ends_with_softmax = self.description["nodes"][-1]["kind"] == "softmax"
        return (logits if ends_with_softmax else logits.double().softmax(0)).tolist()
