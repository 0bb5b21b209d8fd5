import subprocess
import sys


def test_the_project_folder_needs_no_heavy_library() -> None:
    script = (
        "import sys, pkgutil, importlib, projects\n"
        "for module in pkgutil.iter_modules(projects.__path__, 'projects.'):\n"
        "    importlib.import_module(module.name)\n"
        "heavy = {'numpy', 'jax', 'cv2', 'av', 'dlib', 'textual', 'rich', 'tomlkit', 'engine'}\n"
        "sys.stdout.write(' '.join(heavy & sys.modules.keys()))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout == ""
