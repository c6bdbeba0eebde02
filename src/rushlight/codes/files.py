"""Codes of files: saving and loading."""

from .entry import Entry

ENTRIES = {
    "RL701": Entry(
        title=("A file asks for something that is not loaded", "文件请求了不被加载的内容"),
        explanation=(
            "A checkpoint is a pickle, which may ask for any class or function by name. Only tensors and plain containers are "
            "made; for anything else the file is refused, before anything of it has run.",
            "检查点是 pickle，可以按名称请求任意类或函数。这里只构造张量和普通容器；"
            "请求其他内容的文件会在运行其中任何部分之前被拒绝。",
        ),
        remedy=(
            "Save state dicts, numbers and texts. If the classes are yours and harmless with any arguments, declare them: "
            "serialization.add_safe_globals([TheClass]).",
            "只保存状态字典、数字和文本。如果这些类是你自己的，并且无论以什么参数构造都无害，"
            "可用 serialization.add_safe_globals([TheClass]) 声明。",
        ),
        facts=("The file asks for: {names}.", "该文件请求：{names}。"),
        wrong="""
import io
from argparse import Namespace
file = io.BytesIO()
torch.save({"options": Namespace(lr=0.1)}, file)
file.seek(0)
torch.load(file)
""",
        right="""
import io
from argparse import Namespace
file = io.BytesIO()
torch.save({"options": vars(Namespace(lr=0.1))}, file)
file.seek(0)
torch.load(file)
""",
    ),
    "RL702": Entry(
        title=("A load that would run the file", "会运行文件内容的加载方式"),
        explanation=(
            "weights_only=False and pickle_module hand the file to an unpickler that calls whatever the file names. Rushlight "
            "has none: it builds what it knows, and refuses the rest.",
            "weights_only=False 和 pickle_module 会把文件交给一个按文件所写去调用任何函数的反序列化器。"
            "Rushlight 没有这种功能：它只构造已知的内容，其余一概拒绝。",
        ),
        remedy=(
            "Leave the argument out, and declare classes of your own with serialization.add_safe_globals. In a script that "
            "cannot be changed set the environment variable TORCH_FORCE_WEIGHTS_ONLY_LOAD=1.",
            "去掉该参数，并用 serialization.add_safe_globals 声明自己的类。"
            "若脚本不能修改，请设置环境变量 TORCH_FORCE_WEIGHTS_ONLY_LOAD=1。",
        ),
        wrong="""
import io
file = io.BytesIO()
torch.save(torch.ones(2), file)
file.seek(0)
torch.load(file, weights_only=False)
""",
        right="""
import io
file = io.BytesIO()
torch.save(torch.ones(2), file)
file.seek(0)
torch.load(file)
""",
    ),
    "RL703": Entry(
        title=("A damaged checkpoint", "检查点已损坏"),
        explanation=(
            "The file is cut off or changed, or says of itself what is not so: a checksum, a size, or a tensor beyond its "
            "storage. Nothing of it was used.",
            "文件被截断或被修改，或者其自述与事实不符：校验和、大小，或超出存储范围的张量。其中的内容均未使用。",
        ),
        remedy=(
            "Copy or download it again, and compare the sizes. Save to a path rather than to an open file: then the old file "
            "stays whole until the new one is.",
            "重新复制或下载，并比较文件大小。请保存到路径而不是已打开的文件：这样在新文件写完之前，旧文件保持完整。",
        ),
        wrong="""
import io
file = io.BytesIO()
torch.save(torch.ones(2), file)
torch.load(io.BytesIO(file.getvalue()[:-100]))
""",
        right="""
import io
file = io.BytesIO()
torch.save(torch.ones(2), file)
torch.load(io.BytesIO(file.getvalue()))
""",
    ),
    "RL704": Entry(
        title=("A checkpoint of another device", "来自其他设备的检查点"),
        explanation=(
            "Tensors were saved from a device that is not here, and map_location does not say where they are to be.",
            "张量是从这里没有的设备保存的，而 map_location 没有说明应放到哪里。",
        ),
        remedy=("Load with map_location='cpu'.", "使用 map_location='cpu' 加载。"),
        wrong="""
import io
file = io.BytesIO()
torch.save(torch.ones(2), file)
file.seek(0)
torch.load(file, map_location="cuda")
""",
        right="""
import io
file = io.BytesIO()
torch.save(torch.ones(2), file)
file.seek(0)
torch.load(file, map_location="cpu")
""",
    ),
}
