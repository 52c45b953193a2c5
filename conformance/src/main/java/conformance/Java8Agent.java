package conformance;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Lets the suite run on a Java newer than 8. Its geometry library looks its services up through ImageIO's registry, which
 * since Java 9 takes ImageIO's own alone: the method that refuses others declares their use instead.
 */
public final class Java8Agent implements ClassFileTransformer {
    private static final String REGISTRY = "javax/imageio/spi/ServiceRegistry";
    private static final String REFUSAL = "checkClassAllowed";

    /** Called by the launcher before {@code main} (manifest: Launcher-Agent-Class). */
    public static void agentmain(String arguments, Instrumentation instrumentation) {
        instrumentation.addTransformer(new Java8Agent());
    }

    @Override
    public byte[] transform(ClassLoader loader, String name, Class<?> former, ProtectionDomain domain, byte[] code) {
        if (!REGISTRY.equals(name)) {
            return null;
        }
        ClassWriter writer = new ClassWriter(0);
        new ClassReader(code).accept(new Permissive(writer), 0);
        return writer.toByteArray();
    }

    /** Replaces the body of the refusing method by {@code ServiceRegistry.class.getModule().addUses(category)}. */
    private static final class Permissive extends ClassVisitor {
        Permissive(ClassVisitor next) {
            super(Opcodes.ASM9, next);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String type, String signature, String[] thrown) {
            MethodVisitor method = super.visitMethod(access, name, type, signature, thrown);
            if (!REFUSAL.equals(name)) {
                return method;
            }
            method.visitCode();
            method.visitLdcInsn(Type.getObjectType(REGISTRY));
            method.visitMethodInsn(Opcodes.INVOKEVIRTUAL, "java/lang/Class", "getModule", "()Ljava/lang/Module;", false);
            method.visitVarInsn(Opcodes.ALOAD, 0);
            method.visitMethodInsn(
                    Opcodes.INVOKEVIRTUAL, "java/lang/Module", "addUses", "(Ljava/lang/Class;)Ljava/lang/Module;", false);
            method.visitInsn(Opcodes.POP);
            method.visitInsn(Opcodes.RETURN);
            method.visitMaxs(2, 1);
            method.visitEnd();
            return null;
        }
    }
}
